import type { CommitEvent, TrustFacts } from '../core/commit-event.ts'
import type { CommitLookup } from '../core/delivery/commit-lookup.ts'
import type { Disposition, Refusal } from '../core/delivery/delivery-result.ts'
import type { WebhookForge } from '../core/forges.ts'
import type { EventId, PipelineId, RepositoryId } from '../core/ids.ts'

/** What a delivery was about, as the forge called it: hostile text. */
export interface DeliverySubject {
  readonly event: string
  readonly action?: string
  readonly ref?: string
}

/** What identifies a delivery. */
export interface DeliveryKey {
  readonly forge: WebhookForge
  /** The forge's id of the delivery. */
  readonly deliveryId: string
}

/** A webhook delivery, stored to recognize redeliveries. */
export interface DeliveryRecord extends DeliveryKey {
  readonly repositoryId: RepositoryId
  readonly disposition: Disposition
  /** Its commit event, if it has one. */
  readonly eventId?: EventId
  /** Why it was ignored, or has no commit. */
  readonly reason?: string
  /** Absent: not recorded by an earlier version. */
  readonly subject?: DeliverySubject
  readonly receivedAt: number
}

/** The result of a delivery that was recorded before. */
export type DeliveryResult = Pick<DeliveryRecord, 'disposition' | 'eventId' | 'reason'>

/** A delivery with the pipeline of its commit event, if there is one. */
export interface RecentDelivery extends DeliveryRecord {
  readonly pipeline?: { readonly id: PipelineId; readonly number: number }
}

/** A commit event of a webhook, without its commit. */
export type UnresolvedEvent = Omit<
  CommitEvent,
  'id' | 'repositoryId' | 'sha' | 'trust' | 'source' | 'receivedAt'
> & {
  readonly facts: TrustFacts
}

/** A delivery whose commit is looked up at the git server. */
export interface LookupRecord extends DeliveryKey {
  readonly repositoryId: RepositoryId
  /** All at one ref. */
  readonly events: readonly UnresolvedEvent[]
  readonly lookup: CommitLookup
  readonly receivedAt: number
  /** When to look next; while somebody looks: when others may. Also the token of the one who looks. */
  readonly dueAt: number
  /** How many looks the git server has answered, and not answered. */
  readonly looks: number
  readonly failures: number
}

/** Refused deliveries of a repository, for one reason: their number, and the newest of them. */
export interface RefusedDeliveries {
  readonly repositoryId: RepositoryId
  readonly refusal: Refusal
  readonly event?: string
  readonly message: string
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
}
