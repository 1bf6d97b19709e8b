import type { AttemptRef } from '../../core/ids.ts'
import type { IdTokenDesk } from '../id-tokens/id-token-desk.ts'
import type { LeaseTimes } from '../lease/lease.ts'
import type { EventSpool } from '../spool/event-spool.ts'
import type { End } from '../steps/run-step.ts'
import type { ReaderSlot } from './reader-slot.ts'

/** An end that was decided from outside, with the reason. */
export type DecidedEnd = End & { readonly reason: string }

/** `gently`: its cleanup steps run. `now`: none does. `at once`: a step gets no time to end by itself, either. */
export type StopWay = 'gently' | 'now' | 'at once'

/** An attempt as its runner knows it: running, finished, or of a previous process. */
export interface KnownAttempt {
  readonly ref: AttemptRef
  /** The newest fencing token that was presented for it. */
  fence: number
  readonly events: EventSpool
  readonly readerSlot: ReaderSlot
  /** Where it requests id tokens; absent: it needs none. */
  readonly idTokenDesk?: IdTokenDesk | undefined
  /** The event `finished` has been appended. */
  readonly isFinished: boolean
  /** How long its lease is, and how often to renew it. */
  leaseTimes: LeaseTimes
  /** The time to send with a heartbeat, which asks for a renewal of the lease. */
  askForLease(): number
  /** The heartbeat of this time was answered. */
  confirmLease(sentMs: number): void
  /**
   * Ends the attempt with this end, unless it has ended already; `gently`: after its cleanup, which any other
   * stop ends.
   */
  stop(end: DecidedEnd, how?: StopWay): void
}
