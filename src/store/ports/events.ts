import type { CommitEvent } from '../../core/commit-event.ts'
import type { EventAction } from '../../core/event-actions.ts'
import type { WebhookForge } from '../../core/forges.ts'
import type { EventId, RepositoryId } from '../../core/ids.ts'
import type { GoneTelling, Telling } from '../../core/moves/telling.ts'
import type {
  DeliveryKey,
  DeliveryRecord,
  DeliveryResult,
  LookupRecord,
  RecentDelivery,
  RefusedDeliveries,
} from '../delivery-records.ts'
import type { AcceptedEvent, PendingEvent } from '../records.ts'

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
  /**
   * Events of registered repositories without a pipeline, or whose pipeline has to be planned again; oldest
   * first.
   */
  listPending(query: PendingQuery): Promise<PendingEvent[]>
}

export interface EventWriter extends EventReader {
  /**
   * Matches each telling to an event, in order, and returns it: a new one, or the one that was told of
   * before, completed by what was not known. Keeps where each ref is. Rejects with `not_found`, and changes
   * nothing, if the repository of one is not registered.
   */
  accept(tellings: readonly Telling[]): Promise<AcceptedEvent[]>
  /**
   * Notes that refs are gone: made again, even at the same commit, each is a new event. Returns for each
   * whether that can't be said unless the git server is asked; then nothing was noted.
   */
  noteGone(told: readonly GoneTelling[]): Promise<boolean[]>
  /** The pipeline of a completed event has been planned again, or will not be. */
  endReplan(id: EventId): Promise<void>
  /** Ends pending events of removed repositories, with that as the reason; returns their number. */
  endOfRemoved(): Promise<number>
  /** Sets the commit's title and author of an event without them (a poll, a manual start). */
  describe(id: EventId, text: { title: string; author: string }): Promise<void>
  /** Marks all commits of a pull request, by its full ref, as closed, merged or not. */
  noteClosed(closed: { repositoryId: RepositoryId; ref: string; at: number }): Promise<void>
  /**
   * Removes an event for which nothing is built, if it has no pipeline; its deliveries count as ignored, with
   * that reason. Returns whether it was removed.
   */
  drop(id: EventId, reason: string): Promise<boolean>
  /** Notes that only what names this action is run. */
  setPart(id: EventId, part: EventAction): Promise<void>
}

/** Webhook deliveries. */
export interface DeliveryReader {
  /** The known ones among the ids, in no particular order. */
  listByIds(forge: WebhookForge, deliveryIds: readonly string[]): Promise<DeliveryRecord[]>
  /** The newest of a repository, newest first. */
  listRecent(repositoryId: RepositoryId, limit: number): Promise<RecentDelivery[]>
  /** Those that were refused, most recent first. */
  listRefused(repositoryId: RepositoryId): Promise<RefusedDeliveries[]>
}

export interface DeliveryWriter extends DeliveryReader {
  /** Records deliveries; known ones are left unchanged, unless their commit was not found. */
  record(deliveries: readonly DeliveryRecord[]): Promise<void>
  /** Replaces the result of a recorded delivery. */
  setResult(key: DeliveryKey, result: DeliveryResult): Promise<void>
  /** Adds to what is known of refused deliveries; those of unknown repositories are dropped. */
  noteRefused(refused: readonly RefusedDeliveries[]): Promise<void>
}

/** Deliveries whose commit has yet to be looked up at the git server. */
export interface LookupReader {
  /** Those that may be looked up by now, longest due first. */
  listDue(now: number, limit: number): Promise<LookupRecord[]>
  /** When the next one is due. */
  nextDueAt(): Promise<number | undefined>
}

/**
 * Of several agents one looks a delivery's commit up: the one that has moved its `dueAt`, until that time. Each
 * of these resolves to false, without any effect, if `dueAt` is no longer that of the given record.
 */
export interface LookupWriter extends LookupReader {
  insert(lookups: readonly LookupRecord[]): Promise<void>
  /** Sets the time of the next look, and the numbers of former ones. */
  update(
    lookup: LookupRecord,
    to: Pick<LookupRecord, 'dueAt' | 'looks' | 'failures'>,
  ): Promise<boolean>
  end(lookup: LookupRecord): Promise<boolean>
}
