import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { withSignal } from '../../lib/async/with-signal.ts'
import { findRefWith } from '../../lib/git/find-ref-with.ts'
import type { CloneUrl, GitEnv } from '../../lib/git/git.ts'
import type { Logger } from '../../lib/log.ts'

/** How many lookups may be queued; further ones are not made. */
const MOST_WAITING = 8
/** Includes the wait in the queue. A web server waits half a minute for the whole command. */
const LOOK_UP_MS = 15_000

export interface OwnCommitsDeps {
  readonly gitEnv: GitEnv
  readonly log: Logger
  /** Aborts when the dispatcher stops. */
  readonly signal: AbortSignal
  /** The timeout of a lookup in milliseconds; 15,000 by default. */
  readonly lookUpMs?: number
}

/**
 * Checks whether a commit that was given by its id is the repository's own: here and not on a runner, whose
 * answer could not be trusted. One at a time, since each may fetch half a gigabyte.
 */
export class OwnCommits {
  readonly #deps: OwnCommitsDeps
  readonly #queue = new SerialQueue()
  #waiting = 0

  constructor(deps: OwnCommitsDeps) {
    this.#deps = deps
  }

  /**
   * A branch or tag of the remote whose history contains the commit; undefined if there is none, or that is
   * unknown. Rejects only when the dispatcher stops.
   */
  async find(clone: CloneUrl, sha: string): Promise<string | undefined> {
    const { gitEnv: env, log, signal, lookUpMs = LOOK_UP_MS } = this.#deps
    signal.throwIfAborted()
    if (this.#waiting >= MOST_WAITING) {
      log.warn({ sha }, "too many commits are being looked up: this one counts as a stranger's")
      return undefined
    }
    this.#waiting++
    const ends = AbortSignal.any([signal, AbortSignal.timeout(lookUpMs)])
    try {
      const found = this.#queue.run(() => findRefWith(clone, sha, { env, signal: ends }))
      return await withSignal(found, ends)
    } catch (err) {
      signal.throwIfAborted()
      log.warn({ sha, err }, "looking up a commit failed: it counts as a stranger's")
      return undefined
    } finally {
      this.#waiting--
    }
  }
}
