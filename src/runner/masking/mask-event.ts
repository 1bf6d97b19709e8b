import type { AttemptEvent } from '../../contract/attempt.ts'
import type { SecretMask } from './secret-mask.ts'

/** The event without the job's secrets in its words; log lines have lost them before. */
export function maskEvent(event: AttemptEvent, mask: SecretMask): AttemptEvent {
  if (!('reason' in event) || event.reason === undefined) return event
  return { ...event, reason: mask.text(event.reason) }
}
