import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { withSignal } from '../../lib/async/with-signal.ts'
import { findRefWith } from '../../lib/git/find-ref-with.ts'
import type { CloneUrl, GitEnv } from '../../lib/git/git.ts'
import type { Logger } from '../../lib/log.ts'

/** So many may wait for their turn; the next ones are not looked up. */
const MOST_WAITING = 8
/** With the wait for its turn. A web server waits half a minute for all of a command. */
const LOOK_UP_MS = 15_000

export interface OwnCommitsDeps {
  readonly gitEnv: GitEnv
  readonly log: Logger
  /** Aborts when the dispatcher stops. */
  readonly signal: AbortSignal
  /** How long one is looked up at most; 15,000 unless told. */
  readonly lookUpMs?: number
}

/**
 * Looks up whose a commit is that was named by its id: here, and not on a runner, whose word for it
 * would be worth nothing. One at a time, since each may be half a gigabyte.
 */
export class OwnCommits {
  readonly #deps: OwnCommitsDeps
  readonly #queue = new SerialQueue()
  #waiting = 0

  constructor(deps: OwnCommitsDeps) {
    this.#deps = deps
  }

  /**
   * A branch or tag of the remote that has the commit in its history; undefined: none has, or that could
   * not be found out. Rejects only when the dispatcher stops.
   */
  async find(clone: CloneUrl, sha: string): Promise<string | undefined> {
    const { gitEnv: env, log, signal, lookUpMs = LOOK_UP_MS } = this.#deps
    signal.throwIfAborted()
    if (this.#waiting >= MOST_WAITING) {
      log.warn({ sha }, 'too many commits are looked up just now: this one counts as a stranger’s')
      return undefined
    }
    this.#waiting++
    const ends = AbortSignal.any([signal, AbortSignal.timeout(lookUpMs)])
    try {
      const found = this.#queue.run(() => findRefWith(clone, sha, { env, signal: ends }))
      return await withSignal(found, ends)
    } catch (err) {
      signal.throwIfAborted()
      log.warn({ sha, err }, 'whose a commit is could not be looked up: it counts as a stranger’s')
      return undefined
    } finally {
      this.#waiting--
    }
  }
}
