import { createHash } from 'node:crypto'
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { CommitSource } from '../../contract/attempt.ts'
import type { RepositoryId } from '../../core/ids.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { type CloneUrl, type GitEnv, git, parseCloneUrl } from '../../lib/git.ts'
import type { Logger } from '../../lib/log.ts'
import { SerialQueue } from '../../lib/serial-queue.ts'
import { withSignal } from '../../lib/with-signal.ts'
import { diskNote } from '../disk-note.ts'
import { SharedTasks } from '../shared-tasks.ts'
import { advice, isBroken, isNotGiven, notThere } from './fetch-errors.ts'
import { FETCH_SETTINGS } from './fetch-settings.ts'
import { GONE, makeRoom } from './mirror-room.ts'
import type { ObjectReader } from './object-reader.ts'
import { ObjectReaders } from './object-readers.ts'
import { belongsHere, quickFetch, type UnknownTags, unknownTags } from './quick-fetch.ts'

export interface FetchResult {
  /** Milliseconds until the commit was there, waiting for others included. */
  readonly fetchMs: number
  /** False: it was there already. */
  readonly fetched: boolean
}

const SLOW_MS = 600_000
const MOST_PACKS = 16
const MOST_LOOSE_TAGS = 32
const MOST_REMEMBERED = 10_000

export interface MirrorCacheOptions {
  readonly folder: string
  readonly env: GitEnv
  readonly log: Logger
  /** So much of the disk all mirrors may take; without end unless told. */
  readonly maxBytes?: number
}

/** One repository's mirror; `known` are commits that were seen in it. */
interface Mirror {
  readonly path: string
  readonly queue: SerialQueue
  readonly known: Set<string>
  /** The server has refused to be asked the quick way, and is not asked so before this moment. */
  slowUntil: number
  /** Callers that fetch into it or read from it now. */
  users: number
  /** Epoch milliseconds. */
  usedAt: number
  /** Settles when the tags are as the remote had them at the last fetch. */
  tags: Promise<void>
}

/**
 * Bare mirrors, one per repository, that only ever grow: a commit that is there stays there. At
 * most one git changes a mirror at a time; reading needs no turn, since packs appear whole.
 * A mirror that turns out to be broken is made anew, once per request.
 */
export class MirrorCache implements AsyncDisposable {
  readonly #folder: string
  readonly #env: GitEnv
  readonly #maxBytes: number
  readonly #room = new SerialQueue()
  readonly #log: Logger
  readonly #mirrors = new Map<RepositoryId, Mirror>()
  readonly #fetches = new SharedTasks<boolean>()
  readonly #readers: ObjectReaders
  readonly #stop = new AbortController()

  constructor(options: MirrorCacheOptions) {
    this.#maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY
    this.#folder = options.folder
    this.#env = options.env
    this.#readers = new ObjectReaders(options.env)
    this.#log = options.log
  }

  /**
   * Makes sure that the commit and all it leads to are in the mirror. Rejects with `unavailable`
   * when it can't be fetched or is not in the repository, `invalid` when the URL can't be right or
   * the object is no commit.
   */
  async fetchCommit(commit: CommitSource, signal: AbortSignal): Promise<FetchResult> {
    const startedAt = performance.now()
    const mirror = this.#mirror(commit.repositoryId)
    using _use = use(mirror)
    const fetched =
      !mirror.known.has(commit.sha) &&
      (await this.#fetches.join(`${commit.repositoryId} ${commit.sha}`, signal, (shared) =>
        mirror.queue.run(() => this.#ensure(mirror, commit, shared)),
      ))
    return { fetchMs: performance.now() - startedAt, fetched }
  }

  /**
   * Reads from the mirror that has the commit: `read` gets its path and a reader of its objects, and
   * is called a second time when the mirror was broken and has been made anew.
   */
  async read<Result>(
    commit: CommitSource,
    signal: AbortSignal,
    read: (path: string, objects: ObjectReader) => Promise<Result>,
  ): Promise<Result> {
    const mirror = this.#mirror(commit.repositoryId)
    using _use = use(mirror)
    await this.fetchCommit(commit, signal)
    try {
      return await read(mirror.path, this.#readers.of(mirror.path))
    } catch (error) {
      if (signal.aborted || !isBroken(error)) throw error
      await mirror.queue.run(() => this.#discard(mirror, error))
    }
    await this.fetchCommit(commit, signal)
    return await read(mirror.path, this.#readers.of(mirror.path))
  }

  /**
   * Resolves when the tags of what was fetched last are in the mirror, too: they come beside the
   * commit. Rejects as `fetchCommit` does.
   */
  async tags(commit: CommitSource, signal: AbortSignal): Promise<void> {
    await withSignal(this.#mirror(commit.repositoryId).tags, signal)
  }

  /** Ends what runs; the mirrors stay on disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new NarwhalError('cancelled', 'the runner stops'))
    await Promise.all([...this.#mirrors.values()].map(({ queue }) => queue.run(async () => {})))
    this.#readers[Symbol.dispose]()
  }

  #mirror(id: RepositoryId): Mirror {
    const known = this.#mirrors.get(id)
    if (known) return known
    const path = join(this.#folder, `${id}.git`)
    const mirror: Mirror = {
      path,
      queue: new SerialQueue(),
      known: new Set(),
      slowUntil: 0,
      users: 0,
      usedAt: Date.now(),
      tags: Promise.resolve(),
    }
    this.#mirrors.set(id, mirror)
    return mirror
  }

  /** Resolves to whether anything had to be fetched. */
  async #ensure(mirror: Mirror, commit: CommitSource, caller: AbortSignal): Promise<boolean> {
    const signal = AbortSignal.any([caller, this.#stop.signal])
    signal.throwIfAborted()
    if (await this.#has(mirror, commit, signal)) return false
    const url = parseCloneUrl(commit.cloneUrl)
    try {
      const isDone = await this.#fetchQuickly(mirror, commit, signal)
      if (!isDone) await this.#fetch(mirror, url, commit, signal)
    } catch (error) {
      if (signal.aborted || !isBroken(error)) throw error
      await this.#discard(mirror, error)
      await this.#fetch(mirror, url, commit, signal)
    }
    // Not waited for: who fetched this commit need not wait for tidiness.
    void mirror.queue.run(() => this.#compact(mirror)).then(() => this.#makeRoom())
    return true
  }

  /** Tries the quick way, if there may be one; false: it must be done by git(1). */
  async #fetchQuickly(mirror: Mirror, commit: CommitSource, signal: AbortSignal): Promise<boolean> {
    const { sha, cloneUrl: url } = commit
    const isHttp = url.startsWith('https:') || url.startsWith('http:')
    // A tag's own event is about the very tag, and git(1) knows how to bring it.
    if (
      !isHttp ||
      performance.now() < mirror.slowUntil ||
      sha.length !== 40 ||
      commit.ref.startsWith('refs/tags/')
    ) {
      return false
    }
    if (!(await exists(join(mirror.path, 'refs', 'narwhal')))) return false
    const objects = this.#readers.of(mirror.path)
    // Not with the callers' signal: they go as soon as the commit is there, which may be earlier.
    const listing = unknownTags(url, mirror.path, this.#stop.signal)
    listing.catch(() => {})
    try {
      const { path, env } = { path: mirror.path, env: this.#env }
      await quickFetch({ mirror: path, url, sha, ref: refOf(commit), env, signal })
      if (!(await this.#has(mirror, commit, signal))) return false
    } catch (error) {
      signal.throwIfAborted()
      this.#log.info({ mirror: mirror.path, reason: describeError(error) }, 'git fetches it')
      // Not so after a connection that broke: the next one may hold.
      if (error instanceof NarwhalError) mirror.slowUntil = performance.now() + SLOW_MS
      return false
    }
    mirror.tags = this.#bringTags(mirror, commit, { listing, objects })
    mirror.tags.catch(() => {})
    return true
  }

  /** Has git(1) fetch once more where a tag is missing, or the server does not say so. */
  async #bringTags(
    mirror: Mirror,
    commit: CommitSource,
    found: { readonly listing: Promise<UnknownTags>; readonly objects: ObjectReader },
  ): Promise<void> {
    const isMissing = await found.listing.then(
      (unknown) => belongsHere(unknown, found.objects),
      () => true,
    )
    if (!isMissing) return
    const { signal } = this.#stop
    await mirror.queue.run(() =>
      this.#fetch(mirror, parseCloneUrl(commit.cloneUrl), commit, signal),
    )
  }

  async #fetch(
    mirror: Mirror,
    url: CloneUrl,
    commit: CommitSource,
    signal: AbortSignal,
  ): Promise<void> {
    const fetch = (from: string) =>
      this.#git(
        [
          ...FETCH_SETTINGS,
          `--git-dir=${mirror.path}`,
          'fetch',
          '--quiet',
          '--no-write-fetch-head',
          '--no-auto-maintenance',
          '--',
          url.url,
          `+${from}:${refOf(commit)}`,
        ],
        signal,
        url.local,
      )
    const format = commit.sha.length === 64 ? 'sha256' : 'sha1'
    const init = ['init', '--quiet', '--bare', `--object-format=${format}`, '--', mirror.path]
    try {
      if (!(await exists(join(mirror.path, 'HEAD')))) {
        await mkdir(mirror.path, { recursive: true })
        await this.#git(init, signal)
      }
      await fetch(commit.sha).catch((error: unknown) => {
        if (!isNotGiven(error)) throw error
        return fetch(commit.ref)
      })
    } catch (error) {
      if (signal.aborted) throw error
      if (isNotGiven(error)) throw notThere(commit, error)
      const why = `${describeError(error)}${advice(error)}${await diskNote(error, this.#folder)}`
      throw new NarwhalError('unavailable', `cannot fetch ${commit.repositoryName}: ${why}`, {
        cause: error,
      })
    }
    if (!(await this.#has(mirror, commit, signal))) throw notThere(commit)
  }

  async #has(mirror: Mirror, commit: CommitSource, signal: AbortSignal): Promise<boolean> {
    if (mirror.known.has(commit.sha)) return true
    if (!(await exists(join(mirror.path, 'HEAD')))) return false
    const info = await this.#readers
      .of(mirror.path)
      .info(commit.sha)
      .catch(() => undefined)
    signal.throwIfAborted()
    if (!info) return false
    if (info.type !== 'commit') {
      throw new NarwhalError('invalid', `${commit.sha} is a ${info.type} and not a commit`)
    }
    if (mirror.known.size >= MOST_REMEMBERED) mirror.known.clear()
    mirror.known.add(commit.sha)
    return true
  }

  async #discard(mirror: Mirror, reason: unknown): Promise<void> {
    this.#log.warn({ err: reason, mirror: mirror.path }, 'a mirror is broken and is made anew')
    mirror.known.clear()
    this.#readers.end(mirror.path)
    await rm(mirror.path, { recursive: true, force: true, maxRetries: 3 })
  }

  /** Joins what came in small pieces, so that a checkout reads few files; it drops no object. */
  async #compact(mirror: Mirror): Promise<void> {
    const tidy = (...args: string[]) =>
      this.#git([`--git-dir=${mirror.path}`, ...args], this.#stop.signal)
    try {
      const packs = (await readdir(join(mirror.path, 'objects', 'pack'))).filter(isPack)
      if (packs.length > MOST_PACKS) await tidy('repack', '--quiet', '-d', '--geometric=2')
      const tags = await readdir(join(mirror.path, 'refs', 'tags'))
      if (tags.length > MOST_LOOSE_TAGS) await tidy('pack-refs', '--all')
    } catch (error) {
      if (this.#stop.signal.aborted) return
      this.#log.warn({ err: error, mirror: mirror.path }, 'a mirror could not be compacted')
    }
  }

  /** Never rejects: a disk that is full is told of by whoever needs it. */
  async #makeRoom(): Promise<void> {
    if (this.#maxBytes === Number.POSITIVE_INFINITY) return
    const known = new Map([...this.#mirrors.values()].map((mirror) => [mirror.path, mirror]))
    await this.#room
      .run(() =>
        makeRoom({
          folder: this.#folder,
          maxBytes: this.#maxBytes,
          usedAt: (path) => known.get(path)?.usedAt,
          remove: (path) => this.#remove(this.#mirror(basename(path, '.git') as RepositoryId)),
        }),
      )
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#log.warn({ err: error }, 'mirrors take too much room')
      })
  }

  /** Unless it is in use. Whoever wants it meanwhile waits in its queue, and fetches it anew. */
  async #remove(mirror: Mirror): Promise<boolean> {
    return await mirror.queue.run(async () => {
      if (mirror.users > 0 || this.#stop.signal.aborted) return false
      mirror.known.clear()
      this.#readers.end(mirror.path)
      await rename(mirror.path, mirror.path + GONE)
      await rm(mirror.path + GONE, { recursive: true, force: true })
      this.#log.info({ mirror: mirror.path }, 'a mirror was removed to make room')
      return true
    })
  }

  #git(args: readonly string[], signal: AbortSignal, allowLocal = false): Promise<string> {
    return git(args, { env: this.#env, signal, allowLocal, timeoutMs: 1_800_000 })
  }
}

/** While it lasts the mirror is not removed. */
function use(mirror: Mirror): Disposable {
  mirror.users++
  mirror.usedAt = Date.now()
  return {
    [Symbol.dispose]: () => {
      mirror.users--
    },
  }
}

/** The name is a digest, so that `a` and `a/b` never stand in each other's way. */
function refOf({ ref }: CommitSource): string {
  return `refs/narwhal/${createHash('sha256').update(ref).digest('hex').slice(0, 32)}`
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}

const isPack = (name: string) => name.endsWith('.pack')
