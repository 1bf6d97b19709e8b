import type { AttemptEvent } from '../../contract/attempt.ts'
import type { JobMask } from './job-mask.ts'

/** The event without the job's secrets in its words; log lines have lost them before. */
export function maskEvent(event: AttemptEvent, mask: JobMask): AttemptEvent {
  if (!('reason' in event) || event.reason === undefined) return event
  return { ...event, reason: mask.text(event.reason) }
}
