import { basename, join } from 'node:path'
import type { RepositoryId } from '../../core/ids.ts'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { withSignal } from '../../lib/async/with-signal.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import type { Logger } from '../../lib/log.ts'
import { present } from '../../lib/present.ts'
import { SharedTasks } from '../../lib/shared-tasks.ts'
import { isBroken } from './fetch-errors.ts'
import { KnownServers } from './known-servers.ts'
import { Mirror, type MirroredCommit } from './mirror.ts'
import { makeRoom } from './mirror-room.ts'
import type { ObjectReader } from './object-reader.ts'
import { ObjectReaders } from './object-readers.ts'

export interface FetchResult {
  /** The commit; where the id of an annotated tag was given, the one that the tag points to. */
  readonly sha: string
  /** The time until the commit was there, including the wait for other fetches. */
  readonly fetchMs: number
  /** False if it was there already. */
  readonly fetched: boolean
}

export interface MirrorCacheOptions {
  readonly folder: string
  readonly env: GitEnv
  readonly log: Logger
  /** The limit of all mirrors together, and of each; unlimited by default. */
  readonly maxBytes?: number
}

/** The mirrors of all repositories. Concurrent requests for a commit share one fetch. */
export class MirrorCache implements AsyncDisposable {
  readonly #options: MirrorCacheOptions
  readonly #room = new SerialQueue()
  readonly #mirrors = new Map<RepositoryId, Mirror>()
  readonly #fetches = new SharedTasks<boolean>()
  readonly #readers: ObjectReaders
  readonly #servers = new KnownServers()
  readonly #stop = new AbortController()

  constructor(options: MirrorCacheOptions) {
    this.#options = options
    this.#readers = new ObjectReaders(options.env)
  }

  /**
   * Ensures that the commit and all that it reaches are in the mirror. Rejects with `unavailable` if
   * it can't be fetched or is not in the repository, `invalid` if the URL is invalid or the object is
   * neither a commit nor a tag of one, `too_large` if its mirror would exceed the limit.
   */
  async fetchCommit(commit: MirroredCommit, signal: AbortSignal): Promise<FetchResult> {
    const startedAt = performance.now()
    const mirror = this.#mirror(commit.repositoryId)
    using _use = mirror.use()
    const known = mirror.commitOf(commit.sha)
    const fetched = known === undefined && (await this.#fetch(mirror, commit, signal))
    const sha = known ?? mirror.commitOf(commit.sha) ?? commit.sha
    return { sha, fetchMs: performance.now() - startedAt, fetched }
  }

  /**
   * Reads from the mirror of the commit, which is fetched if necessary: `read` receives the path and a
   * reader of its objects, and is called again if the mirror was broken and has been recreated.
   */
  async read<Result>(
    commit: MirroredCommit,
    signal: AbortSignal,
    read: (path: string, objects: ObjectReader) => Promise<Result>,
  ): Promise<Result> {
    const mirror = this.#mirror(commit.repositoryId)
    using _use = mirror.use()
    await this.fetchCommit(commit, signal)
    try {
      return await read(mirror.path, mirror.objects)
    } catch (error) {
      if (signal.aborted || !isBroken(error)) throw error
      await mirror.discard(error)
    }
    await this.fetchCommit(commit, signal)
    return await read(mirror.path, mirror.objects)
  }

  /**
   * Resolves when the tags of the last fetch are in the mirror, too: they are fetched concurrently
   * with the commit. Rejects as `fetchCommit` does.
   */
  async tags(commit: MirroredCommit, signal: AbortSignal): Promise<void> {
    await withSignal(this.#mirror(commit.repositoryId).syncTags(commit), signal)
  }

  /** Ends the fetches in flight; the mirrors stay on disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new NarwhalError('cancelled', 'the runner is shutting down'))
    await Promise.all([...this.#mirrors.values()].map((mirror) => mirror.settled()))
    this.#readers[Symbol.dispose]()
  }

  async #fetch(mirror: Mirror, commit: MirroredCommit, signal: AbortSignal): Promise<boolean> {
    const key = `${commit.repositoryId} ${commit.sha}`
    return await this.#fetches.join(key, signal, async (shared) => {
      const fetched = await mirror.ensure(commit, shared)
      // Not awaited: the caller need not wait for housekeeping.
      if (fetched) void mirror.compact().then(() => this.#makeRoom())
      return fetched
    })
  }

  #mirror(id: RepositoryId): Mirror {
    const known = this.#mirrors.get(id)
    if (known) return known
    const { folder, env, log, maxBytes } = this.#options
    const path = join(folder, `${id}.git`)
    const stop = this.#stop.signal
    const deps = {
      path,
      env,
      readers: this.#readers,
      servers: this.#servers,
      log,
      stop,
      ...present({ maxBytes }),
    }
    const mirror = new Mirror(deps)
    this.#mirrors.set(id, mirror)
    return mirror
  }

  /** Never rejects; a full disk is reported by the next operation that needs space. */
  async #makeRoom(): Promise<void> {
    const { folder, maxBytes = Number.POSITIVE_INFINITY, log } = this.#options
    if (maxBytes === Number.POSITIVE_INFINITY) return
    const known = new Map([...this.#mirrors.values()].map((mirror) => [mirror.path, mirror]))
    await this.#room
      .run(() =>
        makeRoom({
          folder,
          maxBytes,
          usedAt: (path) => known.get(path)?.usedAt,
          remove: (path) => this.#mirror(basename(path, '.git') as RepositoryId).remove(),
        }),
      )
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) log.warn({ err: error }, "can't make room for mirrors")
      })
  }
}
