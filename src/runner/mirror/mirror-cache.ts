import { basename, join } from 'node:path'
import type { RepositoryId } from '../../core/ids.ts'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { withSignal } from '../../lib/async/with-signal.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import type { Logger } from '../../lib/log.ts'
import { SharedTasks } from '../../lib/shared-tasks.ts'
import { isBroken } from './fetch-errors.ts'
import { Mirror, type MirroredCommit } from './mirror.ts'
import { makeRoom } from './mirror-room.ts'
import type { ObjectReader } from './object-reader.ts'
import { ObjectReaders } from './object-readers.ts'

export interface FetchResult {
  /** Milliseconds until the commit was there, waiting for others included. */
  readonly fetchMs: number
  /** False: it was there already. */
  readonly fetched: boolean
}

export interface MirrorCacheOptions {
  readonly folder: string
  readonly env: GitEnv
  readonly log: Logger
  /** So much of the disk all mirrors may take, and so each; without end unless told. */
  readonly maxBytes?: number
}

/** The mirrors of all repositories: a commit that several ask for at a time is fetched once. */
export class MirrorCache implements AsyncDisposable {
  readonly #options: MirrorCacheOptions
  readonly #room = new SerialQueue()
  readonly #mirrors = new Map<RepositoryId, Mirror>()
  readonly #fetches = new SharedTasks<boolean>()
  readonly #readers: ObjectReaders
  readonly #stop = new AbortController()

  constructor(options: MirrorCacheOptions) {
    this.#options = options
    this.#readers = new ObjectReaders(options.env)
  }

  /**
   * Makes sure that the commit and all it leads to are in the mirror. Rejects with `unavailable`
   * when it can't be fetched or is not in the repository, `invalid` when the URL can't be right or
   * the object is no commit, `too_large` when its mirror would take more than all may.
   */
  async fetchCommit(commit: MirroredCommit, signal: AbortSignal): Promise<FetchResult> {
    const startedAt = performance.now()
    const mirror = this.#mirror(commit.repositoryId)
    using _use = mirror.use()
    const fetched = !mirror.knows(commit.sha) && (await this.#fetch(mirror, commit, signal))
    return { fetchMs: performance.now() - startedAt, fetched }
  }

  /**
   * Reads from the mirror that has the commit: `read` gets its path and a reader of its objects, and
   * is called a second time when the mirror was broken and has been made anew.
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
   * Resolves when the tags of what was fetched last are in the mirror, too: they come beside the
   * commit. Rejects as `fetchCommit` does.
   */
  async tags(commit: MirroredCommit, signal: AbortSignal): Promise<void> {
    await withSignal(this.#mirror(commit.repositoryId).tags, signal)
  }

  /** Ends what runs; the mirrors stay on disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new NarwhalError('cancelled', 'the runner stops'))
    await Promise.all([...this.#mirrors.values()].map((mirror) => mirror.settled()))
    this.#readers[Symbol.dispose]()
  }

  async #fetch(mirror: Mirror, commit: MirroredCommit, signal: AbortSignal): Promise<boolean> {
    const key = `${commit.repositoryId} ${commit.sha}`
    return await this.#fetches.join(key, signal, async (shared) => {
      const fetched = await mirror.ensure(commit, shared)
      // Not waited for: who fetched this commit need not wait for tidiness.
      if (fetched) void mirror.compact().then(() => this.#makeRoom())
      return fetched
    })
  }

  #mirror(id: RepositoryId): Mirror {
    const known = this.#mirrors.get(id)
    if (known) return known
    const { folder, env, log, maxBytes } = this.#options
    const path = join(folder, `${id}.git`)
    const limit = maxBytes === undefined ? {} : { maxBytes }
    const stop = this.#stop.signal
    const mirror = new Mirror({ path, env, readers: this.#readers, log, stop, ...limit })
    this.#mirrors.set(id, mirror)
    return mirror
  }

  /** Never rejects: a disk that is full is told of by whoever needs it. */
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
        if (!this.#stop.signal.aborted) log.warn({ err: error }, 'mirrors take too much room')
      })
  }
}
