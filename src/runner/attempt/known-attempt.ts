import type { AttemptRef } from '../../core/ids.ts'
import type { IdTokenDesk } from '../id-tokens/id-token-desk.ts'
import type { LeaseTimes } from '../lease/lease.ts'
import type { EventSpool } from '../spool/event-spool.ts'
import type { End } from '../steps/run-step.ts'
import type { Audience } from './audience.ts'

/** An end that somebody decides, with the words about it. */
export type DecidedEnd = End & { readonly reason: string }

/** What a runner has of an attempt: one that runs, one that has ended, or one of a former process. */
export interface KnownAttempt {
  readonly ref: AttemptRef
  /** The newest fencing token under which somebody asked about it. */
  fence: number
  readonly events: EventSpool
  readonly audience: Audience
  /** Where it asks for id tokens; absent: it has none. */
  readonly idTokenDesk?: IdTokenDesk | undefined
  /** The event `finished` has been added. */
  readonly isFinished: boolean
  /** How long its lease is, and how often to ask for more. */
  leaseTimes: LeaseTimes
  /** The moment to send with a heartbeat that asks for more of the lease. */
  askForLease(): number
  /** Takes the answer to the heartbeat of this moment. */
  confirmLease(sentMs: number): void
  /** Ends the attempt so, if it has not ended yet. */
  stop(end: DecidedEnd): void
}
