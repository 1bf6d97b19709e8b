import type { CommitEvent } from '../../core/commit-event.ts'
import type { WebhookForge } from '../../core/forges.ts'
import type { EventId, RepositoryId } from '../../core/ids.ts'
import type { ForgeAccount } from '../../core/stranger/update-bot.ts'
import { newId } from '../../lib/new-id.ts'
import { present } from '../../lib/present.ts'
import type { AcceptedEvent, DeliveryRecord, Disposition, ForgeIds } from '../../store/records.ts'
import type { StoreWriter, Writes } from '../../store/store.ts'

/** A commit event that has no id yet. */
export type NewEvent = Omit<CommitEvent, 'id' | 'receivedAt'>

/** A webhook whose signature has been checked. */
export interface Delivery {
  readonly forge: WebhookForge
  readonly deliveryId: string
  readonly repositoryId: RepositoryId
  /** The forge uses the new secret: the previous one must be removed. */
  readonly endsFormerSecret?: true
  /** Its content; `forgeIds`: the ids at the forge, if they are not known yet or have changed. */
  readonly content:
    | {
        readonly kind: 'commit'
        readonly event: NewEvent
        readonly forgeIds?: ForgeIds
        /** Its author's account, if it has to be recorded. */
        readonly account?: ForgeAccount
      }
    | {
        readonly kind: 'closed'
        readonly ref: string
        readonly mergedOf?: number
        readonly forgeIds?: ForgeIds
      }
    | {
        readonly kind: 'gone'
        readonly ref: string
        readonly before?: string
        readonly forgeIds?: ForgeIds
      }
    | { readonly kind: 'ignored'; readonly reason: string }
}

/** The result of a delivery; `accepted` only if its commit is new. */
export interface DeliveryAnswer {
  readonly status: Disposition
  readonly eventId?: EventId
  readonly reason?: string
}

/**
 * Writes deliveries in one transaction, with a constant number of statements; returns the result of
 * each, in the same order, and their events.
 */
export async function writeDeliveries(
  write: StoreWriter,
  deliveries: readonly Delivery[],
  receivedAt: number,
): Promise<{ answers: DeliveryAnswer[]; accepted: AcceptedEvent[] }> {
  const earlier = await findEarlier(write, deliveries)
  const fresh = deliveries.filter((delivery) => !earlier.has(delivery))
  const events: CommitEvent[] = []
  for (const { repositoryId, content } of fresh) {
    if (content.kind === 'ignored') continue
    if (content.forgeIds) await write.repositories.setForgeIds(repositoryId, content.forgeIds)
    if (content.kind === 'closed') {
      const { ref, mergedOf } = content
      await write.events.noteClosed({ repositoryId, ref, at: receivedAt })
      if (mergedOf !== undefined) {
        await write.accounts.noteMerged({ repositoryId, actorId: mergedOf, at: receivedAt })
      }
      continue
    }
    if (content.kind === 'gone') {
      await write.heads.forget(repositoryId, [content.ref])
      continue
    }
    const { account } = content
    if (account) await write.accounts.note({ repositoryId, account, at: receivedAt })
    events.push({ ...content.event, id: newId('event'), receivedAt })
  }
  const renewed = fresh.filter(({ endsFormerSecret }) => endsFormerSecret === true)
  if (renewed.length > 0) {
    await write.repositories.endFormerSecrets(renewed.map(({ repositoryId }) => repositoryId))
  }
  const accepted = events.length > 0 ? await write.events.accept(events) : []
  await write.heads.set(events)
  const next = accepted.values()
  const records = fresh.map((delivery) => recordOf(delivery, () => next.next().value, receivedAt))
  await write.deliveries.record(records)
  const written = new Map(fresh.map((delivery, index) => [delivery, records[index]]))
  const answers = deliveries.map((delivery) => {
    const record = earlier.get(delivery)
    return record ? repeated(record) : answerOf(written.get(delivery) as DeliveryRecord)
  })
  return { answers, accepted }
}

async function findEarlier(
  write: Writes<'deliveries'>,
  deliveries: readonly Delivery[],
): Promise<Map<Delivery, DeliveryRecord>> {
  const earlier = new Map<Delivery, DeliveryRecord>()
  for (const [forge, ofForge] of Map.groupBy(deliveries, (delivery) => delivery.forge)) {
    const ids = ofForge.map(({ deliveryId }) => deliveryId)
    const known = await write.deliveries.listByIds(forge, ids)
    const byId = new Map(known.map((record) => [record.deliveryId, record]))
    for (const delivery of ofForge) {
      const record = byId.get(delivery.deliveryId)
      if (record?.repositoryId === delivery.repositoryId) earlier.set(delivery, record)
    }
  }
  return earlier
}

function recordOf(
  { forge, deliveryId, repositoryId, content }: Delivery,
  nextAccepted: () => AcceptedEvent | undefined,
  receivedAt: number,
): DeliveryRecord {
  const rest = { forge, deliveryId, repositoryId, receivedAt }
  if (content.kind === 'closed') return { ...rest, disposition: 'ignored', reason: 'closing noted' }
  if (content.kind === 'gone') {
    const reason = content.ref.startsWith('refs/tags/') ? 'tag deleted' : 'branch deleted'
    return { ...rest, disposition: 'ignored', reason }
  }
  if (content.kind === 'ignored') return { ...rest, disposition: 'ignored', reason: content.reason }
  const { event, created } = nextAccepted() as AcceptedEvent
  return { ...rest, disposition: created ? 'accepted' : 'known', eventId: event.id }
}

function answerOf({ disposition, eventId, reason }: DeliveryRecord): DeliveryAnswer {
  return { status: disposition, ...present({ eventId }), ...(reason ? { reason } : {}) }
}

/** The result of a redelivery, whose event is known by now. */
function repeated(record: DeliveryRecord): DeliveryAnswer {
  const answer = answerOf(record)
  return answer.status === 'ignored' ? answer : { ...answer, status: 'known' }
}
