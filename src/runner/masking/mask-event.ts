import type { AttemptEvent } from '../../core/attempt/attempt-event.ts'
import type { Outputs } from '../../core/plan/outputs.ts'
import { present } from '../../lib/present.ts'
import type { JobMask } from './job-mask.ts'

/** The event with the job's secrets masked in its texts; log lines are masked earlier. */
export function maskEvent(event: AttemptEvent, mask: JobMask): AttemptEvent {
  const reason = 'reason' in event ? event.reason : undefined
  const outputs = 'outputs' in event ? event.outputs : undefined
  if (reason === undefined && outputs === undefined) return event
  return {
    ...event,
    ...(reason === undefined ? {} : { reason: mask.text(reason) }),
    ...present({ outputs: outputs && maskAll(outputs, mask) }),
  }
}

function maskAll(outputs: Outputs, mask: JobMask): Outputs {
  const masked = Object.entries(outputs).map(([name, value]) => [name, mask.text(value)])
  return Object.fromEntries(masked) as Outputs
}
