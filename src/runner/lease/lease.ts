import { HEARTBEAT_MS, LEASE_MARGIN_MS, LEASE_MS } from '../../core/attempt/lease.ts'

/** What of a lease follows from its length; in milliseconds. */
export interface LeaseTimes {
  readonly leaseMs: number
  /** How often to ask for more. */
  readonly heartbeatMs: number
  /** So long before its end nothing may run any more. */
  readonly marginMs: number
}

/** Whatever is asked for, a runner stops by itself within ten minutes. */
const LONGEST_LEASE_MS = 600_000

/** The times of a lease of this length, 0 for the usual one; a short lease has less of everything. */
export function leaseTimes(wantedMs: number): LeaseTimes {
  const leaseMs = wantedMs > 0 ? Math.min(wantedMs, LONGEST_LEASE_MS) : LEASE_MS
  const share = Math.min(1, leaseMs / LEASE_MS)
  return { leaseMs, heartbeatMs: HEARTBEAT_MS * share, marginMs: LEASE_MARGIN_MS * share }
}

export type LeaseState = 'unconfirmed' | 'confirmed' | 'over'

const MOST_ASKED = 256

/**
 * The lease of one attempt, as its runner sees it: *unconfirmed* → *confirmed* until a moment →
 * *over*, and confirmed again whenever a dispatcher answers a heartbeat that is young enough.
 *
 * Moments are milliseconds of this process's `performance.now()`. The lease counts from the sending
 * of the heartbeat and never from its answer, so an answer that took long extends nothing.
 */
export class Lease {
  #times: LeaseTimes
  #asked: number[] = []
  #confirmedAt: number | undefined

  constructor(times: LeaseTimes) {
    this.#times = times
  }

  get times(): LeaseTimes {
    return this.#times
  }

  /** Whoever asks about the attempt now may give leases of another length. */
  setTimes(times: LeaseTimes): void {
    this.#times = times
  }

  /** Until then steps may run; undefined while it is unconfirmed. */
  get untilMs(): number | undefined {
    return this.#confirmedAt === undefined ? undefined : this.endsMs - this.#times.marginMs
  }

  /** When nothing of the attempt may run any more, whatever happens. */
  get endsMs(): number {
    return this.#confirmedAt === undefined ? -Infinity : this.#confirmedAt + this.#times.leaseMs
  }

  state(nowMs: number): LeaseState {
    const until = this.untilMs
    if (until === undefined) return 'unconfirmed'
    return nowMs < until ? 'confirmed' : 'over'
  }

  /** Notes a heartbeat and gives the moment to send with it, in whole milliseconds and never later. */
  ask(nowMs: number): number {
    const sentMs = Math.floor(nowMs)
    const tooOld = nowMs - this.#times.leaseMs
    this.#asked = this.#asked.filter((at) => at > tooOld && at !== sentMs).slice(1 - MOST_ASKED)
    this.#asked.push(sentMs)
    return sentMs
  }

  /** Extends the lease by the answer to a heartbeat; one that was never sent changes nothing. */
  confirm(sentMs: number): boolean {
    if (!this.#asked.includes(sentMs)) return false
    this.#confirmedAt = Math.max(sentMs, this.#confirmedAt ?? 0)
    return true
  }
}
