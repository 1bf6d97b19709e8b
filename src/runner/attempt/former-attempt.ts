import type { AttemptRef } from '../../core/ids.ts'
import { type LeaseTimes, leaseTimes } from '../lease/lease.ts'
import type { EventSpool } from '../spool/event-spool.ts'
import type { RecoveredAttempt } from '../spool/spools.ts'
import type { KnownAttempt } from './known-attempt.ts'
import { ReaderSlot } from './reader-slot.ts'

/** An attempt of a previous process: nothing of it runs, and its events wait for a reader. */
export class FormerAttempt implements KnownAttempt {
  readonly ref: AttemptRef
  readonly events: EventSpool
  readonly readerSlot: ReaderSlot
  readonly isFinished = true
  fence: number
  leaseTimes: LeaseTimes = leaseTimes(0)

  constructor(recovered: RecoveredAttempt, onReaders: () => void) {
    this.ref = { jobId: recovered.jobId, attempt: recovered.attempt }
    this.events = recovered.events
    this.fence = recovered.fence
    this.readerSlot = new ReaderSlot(onReaders, -Infinity)
  }

  askForLease(): number {
    return Math.floor(performance.now())
  }

  confirmLease(): void {}

  stop(): void {}
}
