import type { EventMessage } from '../contract/live/event-message.ts'
import type { EventId } from '../core/ids.ts'

/** How often a commit is delivered before it is set aside in the dead-letter queue. */
export const MAX_DELIVERIES = 5

/**
 * Handles one commit event. Resolving acknowledges it; rejecting has it delivered again after a
 * short delay, at most MAX_DELIVERIES times in all.
 */
export type CommitHandler = (eventId: EventId) => Promise<void>

/**
 * Carries commit events from agents to dispatchers, and state changes and metrics from
 * dispatchers to web servers. The store is the truth and a message is only a hint: it names the
 * row. So messages may come twice, and what is lost is published again by a sweep of the store.
 *
 * - `publishCommit` resolves once the message is as safe as this broker can make it, and rejects
 *   with `unavailable` when it can't say so within a few seconds, or when too many others wait.
 * - Each commit goes to one of the consumers, at most `prefetch` (1 or more) at a time to each.
 * - `publishEvent` is fire and forget: it never blocks and never throws; while the broker is away
 *   events are dropped and counted, since readers find them in the store by their numbers.
 * - Every subscriber hears every event whose topic matches (AMQP topics: words between dots, `*`
 *   for one word, `#` for any number), those of one publisher in the order they were published.
 *   One that is too slow loses the oldest.
 * - Handlers and listeners are called later, never from inside a publish.
 * - `consumeCommits` and `subscribeEvents` resolve once they stand; while the broker is away they
 *   resolve at once, and stand before `state` is `ready`. They reject with `invalid` for a prefetch
 *   or pattern that can't be, and with `unavailable` on a closed broker.
 * - The connection comes back by itself, and consumers and subscribers with it; `state` says what
 *   it is now and `onState` tells of changes.
 * - Disposing stops deliveries, waits for the handlers in flight, and closes the connection.
 *   Disposing a consumer waits for its own handlers. A handler therefore must not dispose either.
 */
export interface Broker extends AsyncDisposable {
  readonly state: BrokerState
  onState(listener: (state: BrokerState) => void): Disposable
  publishCommit(eventId: EventId): Promise<void>
  consumeCommits(handler: CommitHandler, options: { prefetch: number }): Promise<AsyncDisposable>
  publishEvent(topic: string, message: EventMessage): void
  subscribeEvents(
    pattern: string,
    listener: (topic: string, message: EventMessage) => void,
  ): Promise<AsyncDisposable>
  /** For metrics and the queue's page; undefined where the broker can't be asked now. */
  stats(): Promise<BrokerStats | undefined>
}

/** `connecting` whenever any of its connections is away; `closed` is for ever. */
export type BrokerState = 'connecting' | 'ready' | 'closed'

export interface BrokerStats {
  /** Commits that wait for a consumer. */
  readonly commitsReady: number
  /** Commits that were set aside after MAX_DELIVERIES, or because nobody could read them. */
  readonly commitsDead: number
  /** Events that this process dropped since it started. */
  readonly eventsDropped: number
}
