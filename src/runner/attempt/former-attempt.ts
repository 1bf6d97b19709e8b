import type { AttemptRef } from '../../core/ids.ts'
import { type LeaseTimes, leaseTimes } from '../lease/lease.ts'
import type { EventSpool } from '../spool/event-spool.ts'
import type { RecoveredAttempt } from '../spool/spools.ts'
import { Audience } from './audience.ts'
import type { KnownAttempt } from './known-attempt.ts'

/** An attempt of a former process: nothing of it runs, and its report waits for a reader. */
export class FormerAttempt implements KnownAttempt {
  readonly ref: AttemptRef
  readonly events: EventSpool
  readonly audience: Audience
  readonly isFinished = true
  fence: number
  leaseTimes: LeaseTimes = leaseTimes(0)

  constructor(recovered: RecoveredAttempt, onReaders: () => void) {
    this.ref = { jobId: recovered.jobId, attempt: recovered.attempt }
    this.events = recovered.events
    this.fence = recovered.fence
    this.audience = new Audience(onReaders, -Infinity)
  }

  askForLease(): number {
    return Math.floor(performance.now())
  }

  confirmLease(): void {}

  stop(): void {}
}
