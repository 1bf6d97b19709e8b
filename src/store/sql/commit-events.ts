import { type CommitEvent, semanticKey, type TrustFacts } from '../../core/commit-event.ts'
import type { EventId, RepositoryId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { DeliveryRecord, PendingEvent } from '../records.ts'
import type { PendingQuery } from '../store.ts'
import { present } from './rows.ts'
import type { CommitEventRow, Db } from './tables.ts'
import { textKey } from './text.ts'

export async function findEvent(db: Db, id: EventId): Promise<CommitEvent | undefined> {
  const row = await db
    .selectFrom('commit_events')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  return row && eventOf(row)
}

export async function listPendingEvents(db: Db, query: PendingQuery): Promise<PendingEvent[]> {
  const { before, limit, after } = query
  const rows = await db
    .selectFrom('commit_events')
    .innerJoin('repositories', 'repositories.id', 'commit_events.repository_id')
    .select(['commit_events.id', 'received_at as receivedAt'])
    .where('pending', '=', 1)
    .where('received_at', '<', before)
    .where('removed_at', 'is', null)
    .$if(after !== undefined, (page) =>
      page.where((is) => {
        const place = is.refTuple('received_at', 'commit_events.id')
        return is(place, '>', is.tuple(after?.receivedAt ?? 0, after?.id ?? ''))
      }),
    )
    .orderBy('received_at')
    .orderBy('commit_events.id')
    .limit(limit)
    .execute()
  return rows.map(({ id, receivedAt }) => ({ id: id as EventId, receivedAt }))
}

export async function endEventsOfRemoved(db: Db): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('commit_events')
    .set({ pending: 0, ended_reason: 'its repository was removed before it was built' })
    .where('pending', '=', 1)
    .where('repository_id', 'in', (select) =>
      select.selectFrom('repositories').select('id').where('removed_at', 'is not', null),
    )
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

export async function acceptEvent(
  db: Db,
  event: CommitEvent,
): Promise<{ event: CommitEvent; created: boolean }> {
  await requireRegistered(db, event.repositoryId)
  const semantic_key = textKey(semanticKey(event))
  const inserted = await db
    .insertInto('commit_events')
    .values({
      id: event.id,
      repository_id: event.repositoryId,
      semantic_key,
      kind: event.kind,
      ref: event.ref,
      sha: event.sha,
      title: event.title,
      author: event.author,
      trust: JSON.stringify(event.trust),
      source: event.source,
      received_at: event.receivedAt,
      pending: 1,
      search_text: searchText(event),
    })
    // Any conflict: a write that is done twice at the same time may hit the id first.
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst()
  if (inserted) return { event: eventOf(inserted), created: true }
  const row = await db
    .selectFrom('commit_events')
    .selectAll()
    .where('semantic_key', '=', semantic_key)
    .executeTakeFirstOrThrow()
  return { event: eventOf(row), created: false }
}

export async function describeEvent(
  db: Db,
  id: EventId,
  text: { readonly title: string; readonly author: string },
): Promise<void> {
  const event = await findEvent(db, id)
  if (!event) throw new NarwhalError('not_found', `there is no commit event ${id}`)
  const { title, author } = text
  await db
    .updateTable('commit_events')
    .set({ title, author, search_text: searchText({ ...event, title, author }) })
    .where('id', '=', id)
    .execute()
}

function searchText({ title, ref, author }: CommitEvent): string {
  return [title, ref, author].join('\n').toLowerCase()
}

async function requireRegistered(db: Db, id: RepositoryId): Promise<void> {
  const row = await db
    .selectFrom('repositories')
    .select('id')
    .where('id', '=', id)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  if (!row) throw new NarwhalError('not_found', `no repository ${id} is registered`)
}

export async function findDelivery(
  db: Db,
  forge: 'github',
  deliveryId: string,
): Promise<DeliveryRecord | undefined> {
  const row = await db
    .selectFrom('deliveries')
    .selectAll()
    .where('forge', '=', forge)
    .where('delivery_id', '=', deliveryId)
    .executeTakeFirst()
  return (
    row && {
      forge,
      deliveryId: row.delivery_id,
      repositoryId: row.repository_id as RepositoryId,
      disposition: row.disposition as DeliveryRecord['disposition'],
      ...present({ eventId: row.event_id as EventId | null, reason: row.reason }),
      receivedAt: row.received_at,
    }
  )
}

export async function recordDelivery(db: Db, delivery: DeliveryRecord): Promise<void> {
  await db
    .insertInto('deliveries')
    .values({
      forge: delivery.forge,
      delivery_id: delivery.deliveryId,
      repository_id: delivery.repositoryId,
      disposition: delivery.disposition,
      event_id: delivery.eventId ?? null,
      reason: delivery.reason ?? null,
      received_at: delivery.receivedAt,
    })
    .onConflict((conflict) => conflict.columns(['forge', 'delivery_id']).doNothing())
    .execute()
}

function eventOf(row: CommitEventRow): CommitEvent {
  return {
    id: row.id as EventId,
    repositoryId: row.repository_id as RepositoryId,
    kind: row.kind as CommitEvent['kind'],
    ref: row.ref,
    sha: row.sha,
    title: row.title,
    author: row.author,
    trust: JSON.parse(row.trust) as TrustFacts,
    source: row.source as CommitEvent['source'],
    receivedAt: row.received_at,
  }
}
