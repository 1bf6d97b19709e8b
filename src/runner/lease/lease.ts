import { HEARTBEAT_MS, LEASE_MARGIN_MS, LEASE_MS } from '../../core/attempt/lease.ts'

/** The times of a lease, in milliseconds. */
export interface LeaseTimes {
  readonly leaseMs: number
  /** How often to ask for a renewal. */
  readonly heartbeatMs: number
  /** Everything must be paused this long before the lease ends. */
  readonly marginMs: number
}

/** Whatever length is requested, a runner on its own stops within ten minutes. */
const LONGEST_LEASE_MS = 600_000

/** The times of a lease of this length, 0 for the default; a short lease scales all of them down. */
export function leaseTimes(wantedMs: number): LeaseTimes {
  const leaseMs = wantedMs > 0 ? Math.min(wantedMs, LONGEST_LEASE_MS) : LEASE_MS
  const share = Math.min(1, leaseMs / LEASE_MS)
  return { leaseMs, heartbeatMs: HEARTBEAT_MS * share, marginMs: LEASE_MARGIN_MS * share }
}

export type LeaseState = 'unconfirmed' | 'confirmed' | 'expired'

const MOST_ASKED = 256

/**
 * The lease of one attempt, as its runner sees it: *unconfirmed* → *confirmed* for a while →
 * *expired*, and confirmed again whenever a dispatcher answers a recent heartbeat.
 *
 * Times are milliseconds of this process's `performance.now()`. The lease counts from when the
 * heartbeat was sent, never from its answer: a late answer extends nothing.
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

  /** A new owner may grant leases of a different length. */
  setTimes(times: LeaseTimes): void {
    this.#times = times
  }

  /** Steps may run until then; undefined while it is unconfirmed. */
  get untilMs(): number | undefined {
    return this.#confirmedAt === undefined ? undefined : this.endsMs - this.#times.marginMs
  }

  /** From then on nothing of the attempt may run, whatever happens. */
  get endsMs(): number {
    return this.#confirmedAt === undefined ? -Infinity : this.#confirmedAt + this.#times.leaseMs
  }

  state(nowMs: number): LeaseState {
    const until = this.untilMs
    if (until === undefined) return 'unconfirmed'
    return nowMs < until ? 'confirmed' : 'expired'
  }

  /** Records a heartbeat; returns the time to send with it, rounded down to whole milliseconds. */
  ask(nowMs: number): number {
    const sentMs = Math.floor(nowMs)
    const tooOld = nowMs - this.#times.leaseMs
    this.#asked = this.#asked.filter((at) => at > tooOld && at !== sentMs).slice(1 - MOST_ASKED)
    this.#asked.push(sentMs)
    return sentMs
  }

  /** Renews the lease by the answer to a heartbeat; the answer to one never sent changes nothing. */
  confirm(sentMs: number): boolean {
    if (!this.#asked.includes(sentMs)) return false
    this.#confirmedAt = Math.max(sentMs, this.#confirmedAt ?? 0)
    return true
  }
}
