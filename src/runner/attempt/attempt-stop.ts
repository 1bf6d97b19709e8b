import { NarwhalError } from '../../lib/errors.ts'
import { durationText } from '../lease/time-limit.ts'
import type { DecidedEnd, StopWay } from './known-attempt.ts'

export interface AttemptStopDeps {
  /** How long the cleanup may take in all, in milliseconds; 0: there is none. */
  readonly cleanupMs: number
  /** Whether there is a sandbox, with steps left that always run. */
  readonly mayCleanUp: () => boolean
  /** Starts a timeout that is paused with the attempt. */
  readonly startLimit: (ms: number, onOver: () => void) => Disposable
}

/**
 * How an attempt is stopped: *running* → *cleaning up* → *stopped*, or at once. While it cleans up, only the
 * steps that always run may do so. The first stop decides the outcome; any later one ends everything at once.
 */
export class AttemptStop implements Disposable {
  readonly #deps: AttemptStopDeps
  readonly #work = new AbortController()
  readonly #cleanup = new AbortController()
  readonly #atOnce = new AbortController()
  #end: DecidedEnd | undefined
  #cleanupEnd: DecidedEnd | undefined
  #limit: Disposable | undefined

  constructor(deps: AttemptStopDeps) {
    this.#deps = deps
  }

  /** Undefined while it runs. */
  get end(): DecidedEnd | undefined {
    return this.#end
  }

  /** Why its cleanup was ended early. */
  get cleanupEnd(): DecidedEnd | undefined {
    return this.#cleanupEnd
  }

  /** Aborts when it is stopped. */
  get signal(): AbortSignal {
    return this.#work.signal
  }

  /** For its steps. */
  get signals() {
    return {
      signal: this.#work.signal,
      /** Aborts when nothing of it may run any more, not even to clean up. */
      cleanupSignal: this.#cleanup.signal,
      /** Aborts when steps that are stopped get no time to end by themselves. */
      atOnce: this.#atOnce.signal,
    }
  }

  /** Whether a gentle stop would leave cleanup to do, or does. */
  get mayCleanUp(): boolean {
    const { cleanupMs, mayCleanUp } = this.#deps
    return cleanupMs > 0 && mayCleanUp() && !this.#cleanup.signal.aborted
  }

  /** A gentle stop of what is stopped already does nothing. */
  stop(end: DecidedEnd, how: StopWay): void {
    if (how === 'gently') return this.#gently(end)
    if (this.#end !== undefined || how === 'at once') this.#atOnce.abort()
    this.#now(end)
  }

  #gently(end: DecidedEnd): void {
    if (this.#end) return
    const { cleanupMs, startLimit } = this.#deps
    if (!this.mayCleanUp) return this.#now(end)
    this.#end = end
    this.#limit = startLimit(cleanupMs, () => {
      const reason = `the cleanup took longer than its limit of ${durationText(cleanupMs)}`
      this.#now({ outcome: 'timeout', reason: `${reason} (\`cleanup-timeout\`)` })
    })
    this.#work.abort(new NarwhalError('cancelled', end.reason))
  }

  /** Stops it, and also its cleanup. */
  #now(end: DecidedEnd): void {
    if (this.#cleanup.signal.aborted) return
    if (this.#end) this.#cleanupEnd = end
    else this.#end = end
    this[Symbol.dispose]()
    const reason = new NarwhalError('cancelled', end.reason)
    this.#work.abort(reason)
    this.#cleanup.abort(reason)
  }

  /** Its steps are over. */
  [Symbol.dispose](): void {
    this.#limit?.[Symbol.dispose]()
    this.#limit = undefined
  }
}

/** The end of an attempt that its runner can't continue. */
export function lostBy(runner: string, why: string): DecidedEnd {
  return { outcome: 'error', reason: `runner ${runner}: ${why}`, fault: 'runner' }
}
