import { describeLeaseEnd, type LeaseEnd } from '../../core/attempt/lease-end.ts'
import { NarwhalError } from '../../lib/errors.ts'

const TICK_MS = 250
/** A later tick means that this process was stalled, and received nothing. */
const STALL_MS = 1_000

/**
 * When the lease of an attempt expires, as its dispatcher sees it: at the earliest `leaseMs` after the last
 * confirmation, extended by all time in which this side could not receive or confirm anything: its own
 * stalls, an unavailable store, a seat that did not hold. Waiting longer is always safe; the runner counts
 * from when it asked.
 */
export class LeaseClock {
  readonly #leaseMs: number
  readonly #mayConfirm: () => boolean
  readonly #over = new AbortController()
  #isHeld: boolean
  #until: number
  #ending: { readonly at: number; readonly end: LeaseEnd } | undefined
  #end: LeaseEnd | undefined
  /** Set while the reader of the runner's messages waits for something else. */
  isDeaf = false

  /** `heldMs`: how much longer a lease that somebody else has confirmed may last. */
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

  /** Whether the runner has, or may have, a lease: otherwise no step runs there. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Undefined until it has ended. */
  get end(): LeaseEnd | undefined {
    return this.#end
  }

  /** Aborts, with the reason as a message, when the lease has expired or a deadline has passed. */
  get over(): AbortSignal {
    return this.#over.signal
  }

  /** Extends the lease if this dispatcher may; then the runner must be notified. */
  confirm(): boolean {
    if (this.#over.signal.aborted || !this.#mayConfirm()) return false
    this.#isHeld = true
    this.#until = performance.now() + this.#leaseMs
    return true
  }

  /** Sets a deadline that confirmations don't extend; the earliest counts. */
  endIn(ms: number, end: LeaseEnd): void {
    const at = performance.now() + ms
    if (this.#ending === undefined || at < this.#ending.at) this.#ending = { at, end }
  }

  /** Checks the clock until disposed. */
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
