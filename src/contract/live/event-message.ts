import { z } from 'zod'
import { type PublishedEvent, publishedEvent } from './live-event.ts'

/** The message on the event queue: a live event in a versioned envelope. */
export const eventMessage = z.object({ v: z.literal(1), event: publishedEvent })
export type EventMessage = z.infer<typeof eventMessage>

/** The topic an event is published under: `pipeline.<id>`, `job.<id>`, `log.<job>`, `runner.<id>`, … */
export function topicOf(event: PublishedEvent): string {
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

/** Changes that move a concurrency group are published under this topic as well; see `groupThatMoves`. */
export const GROUP_TOPIC = 'group.moved'

/** The concurrency group in which a slot may have become free, or the order may have changed. */
export function groupThatMoves(event: PublishedEvent): string | undefined {
  if (event.type === 'job.changed') {
    const { status, concurrencyGroup } = event.job
    return status === 'finished' || status === 'queued' ? concurrencyGroup : undefined
  }
  if (event.type !== 'pipeline.changed') return undefined
  return event.pipeline.status === 'finished' ? event.pipeline.concurrencyGroup : undefined
}
