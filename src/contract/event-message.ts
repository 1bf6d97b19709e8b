import { z } from 'zod'
import { type ToldEvent, toldEvent } from './live-event.ts'

/** What travels on the event queue: a live event in an envelope that says its version. */
export const eventMessage = z.object({ v: z.literal(1), event: toldEvent })
export type EventMessage = z.infer<typeof eventMessage>

/** The topic an event is published under: `pipeline.<id>`, `job.<id>`, `log.<job>`, `runner.<id>`, … */
export function topicOf(event: ToldEvent): string {
  switch (event.type) {
    case 'pipeline.changed':
      return `pipeline.${event.pipeline.id}`
    case 'job.changed':
      return `job.${event.job.id}`
    case 'runner.changed':
      return `runner.${event.runner.id}`
    case 'runner.sampled':
      return `metrics.${event.sample.runnerId}`
    case 'log.appended':
    case 'log.grew':
      return `log.${event.jobId}`
  }
}
