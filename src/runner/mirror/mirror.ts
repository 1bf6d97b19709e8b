import { createHash } from 'node:crypto'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommitSource, cloneUrlOf } from '../../contract/rpc/attempt.ts'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { exists } from '../../lib/exists.ts'
import { type GitEnv, git, parseCloneUrl } from '../../lib/git/git.ts'
import { authorizationFor } from '../../lib/git/git-credentials.ts'
import { type Found, findHttp } from '../../lib/git/git-way.ts'
import type { Logger } from '../../lib/log.ts'
import { present } from '../../lib/present.ts'
import { ANY_HOSTS, type Hosts } from '../../lib/reach/hosts.ts'
import { describeFailure, fetchByGit, fetchTagsByGit, type GitFetch } from './fetch-by-git.ts'
import { isBroken, isNotGiven, notThere } from './fetch-errors.ts'
import { fetchFiles, fetchTagsFiles } from './fetch-files.ts'
import { type KnownServers, quickRemote } from './known-servers.ts'
import { listRefs } from './mirror-refs.ts'
import { GONE } from './mirror-room.ts'
import type { ObjectReader } from './object-reader.ts'
import type { ObjectReaders } from './object-readers.ts'
import { hasSameTags, quickFetch } from './quick-fetch.ts'
import { isTag, lacksOwnTag, peel } from './read-commit.ts'
import type { Remote } from './smart-http.ts'
import { removeStaleLocks } from './stale-locks.ts'
import { withinSize } from './within-size.ts'

const MOST_PACKS = 16
const MOST_LOOSE_TAGS = 32
const MOST_REMEMBERED = 10_000

/** A commit, and the hosts where its repository may be, if they are fewer than git may reach here. */
export interface MirroredCommit extends CommitSource {
  readonly hosts?: Hosts
}

export interface MirrorDeps {
  readonly path: string
  readonly env: GitEnv
  readonly readers: ObjectReaders
  readonly servers: KnownServers
  readonly log: Logger
  /** Its size limit; unlimited by default. */
  readonly maxBytes?: number
  /** Aborts when the runner stops. */
  readonly stop: AbortSignal
}

/**
 * One repository's bare mirror. It only grows: a commit stays in it until the mirror is found broken,
 * or is removed to make room. At most one git process changes it at a time (the queue); reads need no
 * lock, since packs appear atomically.
 */
export class Mirror {
  readonly path: string
  /** When it was last used, epoch milliseconds. */
  usedAt = Date.now()
  readonly #deps: MirrorDeps
  readonly #queue = new SerialQueue()
  /** Settles when the tags are those that the remote had at the last fetch. */
  #tags: Promise<void> = Promise.resolve()
  /** Commits known to be in it, by their ids and those of annotated tags. */
  readonly #known = new Map<string, string>()
  /** Whether the stale locks of a previous process have been removed. */
  #isUnlocked = false
  /** Callers that are fetching into it or reading from it. */
  #users = 0

  constructor(deps: MirrorDeps) {
    this.path = deps.path
    this.#deps = deps
  }

  get objects(): ObjectReader {
    return this.#deps.readers.of(this.path)
  }

  /** Until it is disposed, the mirror is not removed. */
  use(): Disposable {
    this.#users++
    this.usedAt = Date.now()
    return {
      [Symbol.dispose]: () => {
        this.#users--
      },
    }
  }

  /** The commit of this id, or of the annotated tag of this id, if it is known to be in it. */
  commitOf(id: string): string | undefined {
    return this.#known.get(id)
  }

  /**
   * Fetches the commit unless it is there; resolves to whether it had to. A broken mirror is recreated
   * once. Rejects with `too_large` if the mirror would exceed its limit.
   */
  ensure(commit: MirroredCommit, caller: AbortSignal): Promise<boolean> {
    return this.#queue.run(async () => {
      const signal = AbortSignal.any([caller, this.#deps.stop])
      signal.throwIfAborted()
      if (await this.#has(commit, signal)) return false
      parseCloneUrl(commit.cloneUrl)
      if (!this.#isUnlocked) await removeStaleLocks(this.path)
      this.#isUnlocked = true
      await this.#withinSize(signal, (limited) => this.#fetchAnyhow(commit, limited))
      return true
    })
  }

  /**
   * Resolves once the tags are those that the remote had at the last fetch or later. Fetches them if the last
   * attempt failed, or if the commit comes from a tag that is not here. Rejects as `ensure`.
   */
  async syncTags(commit: MirroredCommit): Promise<void> {
    const seen = this.#tags
    const isSynced = await seen.then(
      () => true,
      () => false,
    )
    if (isSynced && !(await this.#lacksTagOf(commit))) return
    // A concurrent caller may have started the fetch already.
    if (this.#tags === seen) this.#setTags(this.#fetchTags(commit))
    await this.#tags
  }

  /** Removes a broken mirror; the next `ensure` recreates it. */
  discard(reason: unknown): Promise<void> {
    return this.#queue.run(() => this.#empty(reason))
  }

  /** Joins small packs and loose tags, so that a checkout reads few files; it drops no object. */
  compact(): Promise<void> {
    return this.#queue.run(async () => {
      const { env, stop: signal, log } = this.#deps
      const run = (...args: string[]) =>
        git([`--git-dir=${this.path}`, ...args], { env, signal, timeoutMs: 1_800_000 })
      try {
        const packs = (await readdir(join(this.path, 'objects', 'pack'))).filter(isPack)
        if (packs.length > MOST_PACKS) await run('repack', '--quiet', '-d', '--geometric=2')
        const tags = await readdir(join(this.path, 'refs', 'tags'))
        if (tags.length > MOST_LOOSE_TAGS) await run('pack-refs', '--all')
      } catch (error) {
        if (signal.aborted) return
        log.warn({ err: error, mirror: this.path }, "can't compact a mirror")
      }
    })
  }

  /**
   * Removes it unless it is in use; resolves to whether it did. Concurrent callers wait in its queue,
   * and then fetch it again.
   */
  remove(): Promise<boolean> {
    return this.#queue.run(async () => {
      const { readers, stop, log } = this.#deps
      if (this.#users > 0 || stop.aborted) return false
      this.#known.clear()
      readers.end(this.path)
      await rename(this.path, this.path + GONE)
      await rm(this.path + GONE, { recursive: true, force: true })
      log.info({ mirror: this.path }, 'mirror removed to make room')
      return true
    })
  }

  /** Resolves when no change is in flight. */
  async settled(): Promise<void> {
    await this.#queue.run(async () => {})
  }

  async #has(commit: MirroredCommit, signal: AbortSignal): Promise<boolean> {
    if (this.#known.has(commit.sha)) return true
    if (!(await exists(join(this.path, 'HEAD')))) return false
    const info = await this.objects.info(commit.sha).catch(() => undefined)
    signal.throwIfAborted()
    if (!info) return false
    const sha = info.type === 'tag' ? await peel(this.objects, commit.sha) : commit.sha
    const { type } = sha === commit.sha ? info : ((await this.objects.info(sha)) ?? info)
    if (type !== 'commit') {
      const what = info.type === type ? type : `${info.type} of a ${type}`
      throw new NarwhalError('invalid', `${commit.sha} is a ${what}, not a commit`)
    }
    if (this.#known.size >= MOST_REMEMBERED) this.#known.clear()
    this.#known.set(commit.sha, sha)
    return true
  }

  async #withinSize(signal: AbortSignal, fetch: (signal: AbortSignal) => Promise<void>) {
    const { maxBytes = Number.POSITIVE_INFINITY } = this.#deps
    try {
      await withinSize({ mirror: this.path, maxBytes, signal }, fetch)
    } catch (error) {
      // Even if the fetch was complete: otherwise the next caller would find the commit.
      if (NarwhalError.from(error).code === 'too_large') await this.#empty(error)
      throw error
    }
  }

  async #fetchAnyhow(commit: MirroredCommit, signal: AbortSignal): Promise<void> {
    try {
      const isDone = await this.#fetchQuickly(commit, signal)
      if (!isDone) await this.#fetch(commit, signal)
    } catch (error) {
      if (signal.aborted || !isBroken(error)) throw error
      await this.#empty(error)
      await this.#fetch(commit, signal)
    }
  }

  async #fetch(commit: MirroredCommit, signal: AbortSignal): Promise<void> {
    const env = this.#envFor(commit)
    const fetch = { mirror: this.path, commit, ref: refOf(commit), env, signal }
    const { kind, found } = await this.#askServer(fetch)
    const failure = await (kind === 'files' ? fetchFiles : fetchByGit)({ ...fetch, found })
    this.#setTags(failure ? Promise.reject(failure) : Promise.resolve())
    if (!(await this.#has(commit, signal))) throw notThere(commit)
  }

  /** Tries a quick fetch, if one is possible; false: git(1) has to do it. */
  async #fetchQuickly(commit: MirroredCommit, signal: AbortSignal): Promise<boolean> {
    // The event of a tag needs the tag itself, which git(1) fetches.
    if (isTag(commit.ref) || !(await exists(join(this.path, 'refs', 'narwhal')))) return false
    const { stop, log, servers } = this.#deps
    const { sha } = commit
    const env = this.#envFor(commit)
    const { kind } = await this.#askServer({ mirror: this.path, commit, env, signal })
    const remote = quickRemote(remoteOf(commit, env), kind, sha)
    if (!remote) return false
    // Not with the callers' signal: they leave as soon as the commit is there, which may be earlier.
    const comparing = hasSameTags(remote, this.path, stop)
    comparing.catch(() => {})
    try {
      await quickFetch({ mirror: this.path, remote, sha, ref: refOf(commit), env, signal })
      if (!(await this.#has(commit, signal))) return false
    } catch (error) {
      signal.throwIfAborted()
      log.info({ mirror: this.path, reason: describeError(error) }, 'falling back to git fetch')
      // Not after a broken connection, as the next one may hold, nor for one commit that it does not have.
      if (error instanceof NarwhalError && !isNotGiven(error)) servers.distrust(remote)
      return false
    }
    const areSame = comparing.catch(() => false)
    this.#setTags(areSame.then((same) => (same ? undefined : this.#fetchTags(commit))))
    return true
  }

  #fetchTags(commit: MirroredCommit): Promise<void> {
    const env = this.#envFor(commit)
    return this.#queue.run(() =>
      this.#withinSize(this.#deps.stop, async (signal) => {
        const fetch = { mirror: this.path, commit, env, signal }
        const { kind, found } = await this.#askServer(fetch)
        await (kind === 'files' ? fetchTagsFiles : fetchTagsByGit)({ ...fetch, found })
      }),
    )
  }

  /** What the server can do, and its addresses if they had to be looked up for that. Rejects as a fetch does. */
  async #askServer(fetch: Omit<GitFetch, 'ref'>) {
    const { commit, env, signal } = fetch
    let found: Found | undefined
    const look = async () => (found = await findHttp(commit.cloneUrl, env))
    try {
      return { kind: await this.#deps.servers.find(remoteOf(commit, env), look, signal), found }
    } catch (error) {
      signal.throwIfAborted()
      throw await describeFailure(error, fetch)
    }
  }

  #setTags(tags: Promise<void>): void {
    this.#tags = tags
    tags.catch(() => {})
  }

  async #lacksTagOf(commit: MirroredCommit): Promise<boolean> {
    if (!isTag(commit.ref)) return false
    return await lacksOwnTag(commit, await listRefs(this.path, 'refs/tags'), this.objects)
  }

  #envFor({ hosts }: MirroredCommit): GitEnv {
    return hosts ? { ...this.#deps.env, hosts } : this.#deps.env
  }

  async #empty(reason: unknown): Promise<void> {
    const { readers, log } = this.#deps
    log.warn({ err: reason, mirror: this.path }, 'mirror discarded: it will be recreated')
    this.#known.clear()
    readers.end(this.path)
    await rm(this.path, { recursive: true, force: true, maxRetries: 3 })
  }
}

function remoteOf(commit: CommitSource, { hosts = ANY_HOSTS }: GitEnv): Remote {
  const { cloneUrl: url } = commit
  return { url, hosts, ...present({ authorization: authorizationFor(cloneUrlOf(commit), url) }) }
}

/** The name is a digest, so that `a` and `a/b` never conflict. */
function refOf({ ref }: CommitSource): string {
  return `refs/narwhal/${createHash('sha256').update(ref).digest('hex').slice(0, 32)}`
}

const isPack = (name: string) => name.endsWith('.pack')
