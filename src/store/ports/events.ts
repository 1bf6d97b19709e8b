import type { CommitEvent } from '../../core/commit-event.ts'
import type { WebhookForge } from '../../core/forges.ts'
import type { EventId, RepositoryId } from '../../core/ids.ts'
import type { AcceptedEvent, DeliveryRecord, PendingEvent } from '../records.ts'

export interface PendingQuery {
  /** Only events received before this time. */
  readonly before: number
  readonly limit: number
  /** Only events after this one: the next page. */
  readonly after?: PendingEvent
}

/** Commit events: what happened at a forge, without duplicates. */
export interface EventReader {
  find(id: EventId): Promise<CommitEvent | undefined>
  /** Events of registered repositories without a pipeline, oldest first. */
  listPending(query: PendingQuery): Promise<PendingEvent[]>
}

export interface EventWriter extends EventReader {
  /**
   * Inserts each event unless one with the same semantic key exists (or precedes it in the list), and
   * returns the stored ones in the same order. Rejects with `not_found`, and inserts none, if the
   * repository of one is not registered.
   */
  accept(events: readonly CommitEvent[]): Promise<AcceptedEvent[]>
  /** Ends pending events of removed repositories, with that as the reason; returns their number. */
  endOfRemoved(): Promise<number>
  /** Sets the commit's title and author of an event without them (a poll, a manual start). */
  describe(id: EventId, text: { title: string; author: string }): Promise<void>
  /** Marks all commits of a pull request, by its full ref, as closed, merged or not. */
  noteClosed(closed: { repositoryId: RepositoryId; ref: string; at: number }): Promise<void>
}

/** Webhook deliveries. */
export interface DeliveryReader {
  /** The known ones among the ids, in no particular order. */
  listByIds(forge: WebhookForge, deliveryIds: readonly string[]): Promise<DeliveryRecord[]>
}

export interface DeliveryWriter extends DeliveryReader {
  /** Records deliveries; known ones are left unchanged. */
  record(deliveries: readonly DeliveryRecord[]): Promise<void>
}
