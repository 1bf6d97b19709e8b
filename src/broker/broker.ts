import type { EventMessage } from '../contract/live/event-message.ts'
import type { EventId } from '../core/ids.ts'

/** How often a commit is delivered before it is dead-lettered. */
export const MAX_DELIVERIES = 5

/**
 * Handles one commit event. Resolving acknowledges it; rejecting has it redelivered after a short delay,
 * at most MAX_DELIVERIES times in total.
 */
export type CommitHandler = (eventId: EventId) => Promise<void>

/**
 * Carries commit events from agents to dispatchers, and state changes and metrics from
 * dispatchers to web servers. The store is the source of truth and a message is only a hint that names
 * the row. So messages may be duplicated, and lost ones are published again by the sweep.
 *
 * - `publishCommit` resolves once the broker has confirmed the message, and rejects with `unavailable`
 *   if that takes more than a few seconds or too many others are pending.
 * - Each commit goes to one of the consumers, which has at most `prefetch` (1 or more) in flight.
 * - `publishEvent` is fire and forget: it never blocks and never throws. While the broker is unavailable
 *   events are dropped and counted; readers find them in the store by their numbers.
 * - Every subscriber receives all events whose topic matches (AMQP topics: words between dots, `*` for
 *   one word, `#` for any number), in order for each publisher. A slow one loses the oldest.
 * - Handlers and listeners are called asynchronously, never from inside a publish.
 * - `consumeCommits` and `subscribeEvents` resolve once they are active; while the broker is unavailable
 *   they resolve at once, and are active before `state` is `ready`. They reject with `invalid` for an
 *   invalid prefetch or pattern, and with `unavailable` on a closed broker.
 * - The broker reconnects automatically, with its consumers and subscribers; `onState` reports changes
 *   of `state`.
 * - Disposing stops deliveries, waits for handlers in flight, and closes the connection. Disposing a
 *   consumer waits for its own handlers. So a handler must not dispose either.
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
  /** For metrics and the page "Queue"; undefined while the broker is unavailable. */
  stats(): Promise<BrokerStats | undefined>
}

/** `connecting` while any of its connections is down; `closed` is final. */
export type BrokerState = 'connecting' | 'ready' | 'closed'

export interface BrokerStats {
  /** Commits that wait for a consumer. */
  readonly commitsReady: number
  /** Dead-lettered commits: failed MAX_DELIVERIES times, or malformed. */
  readonly commitsDead: number
  /** Events that this process has dropped since its start. */
  readonly eventsDropped: number
}
