import { describeLeaseEnd, type LeaseEnd } from '../../core/attempt/lease-end.ts'
import { NarwhalError } from '../../lib/errors.ts'

const TICK_MS = 250
/** A tick that comes so late tells of a stall of this process, in which it heard nobody. */
const STALL_MS = 1_000

/**
 * When the lease of an attempt is over, as its dispatcher sees it: `leaseMs` after the last
 * confirmation at the earliest, and later by all the time in which this side could not listen or
 * could not confirm: its own stalls, a store that was away, a seat that did not hold. Waiting for
 * longer is always safe; the runner counts from the moment at which it asked.
 */
export class LeaseClock {
  readonly #leaseMs: number
  readonly #mayConfirm: () => boolean
  readonly #over = new AbortController()
  #isHeld: boolean
  #until: number
  #ending: { readonly at: number; readonly end: LeaseEnd } | undefined
  #end: LeaseEnd | undefined
  /** Set while the one who reads the runner's messages waits for something else. */
  isDeaf = false

  /** `heldMs`: a lease that somebody else has confirmed may last so long yet. */
  constructor(options: {
    leaseMs: number
    heldMs: number | undefined
    mayConfirm: () => boolean
  }) {
    this.#leaseMs = options.leaseMs
    this.#isHeld = options.heldMs !== undefined
    this.#mayConfirm = options.mayConfirm
    this.#until = performance.now() + (options.heldMs ?? options.leaseMs)
  }

  /** Whether the runner has, or may have, a lease: else no step runs there. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /** How it ended; undefined: it has not. */
  get end(): LeaseEnd | undefined {
    return this.#end
  }

  /** Aborts, with the reason in words, when the lease is over or the last moment has come. */
  get over(): AbortSignal {
    return this.#over.signal
  }

  /** Extends the lease if that is ours to do; then the runner is to be told so. */
  confirm(): boolean {
    if (this.#over.signal.aborted || !this.#mayConfirm()) return false
    this.#isHeld = true
    this.#until = performance.now() + this.#leaseMs
    return true
  }

  /** Sets a last moment, whatever is confirmed; the earliest counts. */
  endIn(ms: number, end: LeaseEnd): void {
    const at = performance.now() + ms
    if (this.#ending === undefined || at < this.#ending.at) this.#ending = { at, end }
  }

  /** Looks at the clock until disposed. */
  watch(): Disposable {
    let tickedAt = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      const stalledMs = now - tickedAt
      tickedAt = now
      if (stalledMs > STALL_MS) this.#until += stalledMs
      if (this.isDeaf || !this.#mayConfirm())
        this.#until = Math.max(this.#until, now + this.#leaseMs)
      if (this.#ending && now > this.#ending.at) this.#finish(this.#ending.end)
      else if (now > this.#until) this.#finish('silent')
    }, TICK_MS)
    timer.unref()
    return { [Symbol.dispose]: () => clearInterval(timer) }
  }

  #finish(end: LeaseEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#over.abort(new NarwhalError('unavailable', describeLeaseEnd(end)))
  }
}
