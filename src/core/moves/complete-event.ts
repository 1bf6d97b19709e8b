import { present } from '../../lib/present.ts'
import type { CommitEvent, EventDetails } from '../commit-event.ts'

/** An event with what a fuller telling adds; `decides`: the plan may be another one with it. */
export interface Completed {
  readonly event: CommitEvent
  readonly decides: boolean
}

/** How it was told, which no plan depends on. */
const HOW_TOLD: ReadonlySet<string> = new Set<keyof EventDetails>(['toldAt', 'traceparent'])

/**
 * Adds what was not known. Known details stay; what a poll guessed (who is behind it, where it came from,
 * title and author) is replaced by what the forge says.
 */
export function completeEvent(stored: CommitEvent, telling: CommitEvent): Completed {
  const isGuess = stored.source === 'poll'
  const details = { ...telling.details, ...stored.details }
  const added = Object.keys(details).filter((key) => !Object.hasOwn(stored.details ?? {}, key))
  const told = isGuess
    ? {
        title: telling.title || stored.title,
        author: telling.author || stored.author,
        trust: telling.trust,
        source: telling.source,
      }
    : {}
  const { before = stored.before, stamp = stored.stamp, occurrence = stored.occurrence } = telling
  const event: CommitEvent = {
    ...stored,
    ...told,
    ...(Object.keys(details).length > 0 ? { details } : {}),
    ...present({ before, stamp, occurrence }),
  }
  return {
    event,
    decides:
      event.trust.stranger !== stored.trust.stranger || added.some((key) => !HOW_TOLD.has(key)),
  }
}
