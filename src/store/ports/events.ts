import type { CommitEvent } from '../../core/commit-event.ts'
import type { WebhookForge } from '../../core/forges.ts'
import type { EventId, RepositoryId } from '../../core/ids.ts'
import type { AcceptedEvent, DeliveryRecord, PendingEvent } from '../records.ts'

export interface PendingQuery {
  /** Only those that were received before this time. */
  readonly before: number
  readonly limit: number
  /** Only those behind this one: the next page. */
  readonly after?: PendingEvent
}

/** Commit events: what happened at a forge, each once. */
export interface EventReader {
  find(id: EventId): Promise<CommitEvent | undefined>
  /** Events of registered repositories without a pipeline, oldest first. */
  listPending(query: PendingQuery): Promise<PendingEvent[]>
}

export interface EventWriter extends EventReader {
  /**
   * Writes each event unless one with the same semantic key is there (or before it among these), and
   * returns, in the same order, the ones that are. Rejects with `not_found`, and writes none, when
   * the repository of one is not registered.
   */
  accept(events: readonly CommitEvent[]): Promise<AcceptedEvent[]>
  /** Ends pending events of removed repositories, with that as the reason; how many they were. */
  endOfRemoved(): Promise<number>
  /** Writes what the commit says of itself, for an event that came without (a poll, a run by hand). */
  describe(id: EventId, text: { title: string; author: string }): Promise<void>
  /** Notes at all commits of a pull request, by its full ref, that it was closed; merged or not. */
  noteClosed(closed: { repositoryId: RepositoryId; ref: string; at: number }): Promise<void>
}

/** Deliveries of forges' webhooks. */
export interface DeliveryReader {
  /** Those of the ids that are known, in no order. */
  listByIds(forge: WebhookForge, deliveryIds: readonly string[]): Promise<DeliveryRecord[]>
}

export interface DeliveryWriter extends DeliveryReader {
  /** Records deliveries; one that is known already stays as it is. */
  record(deliveries: readonly DeliveryRecord[]): Promise<void>
}
