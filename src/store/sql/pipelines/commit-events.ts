import {
  type CommitEvent,
  type EventDetails,
  semanticKey,
  type Trust,
} from '../../../core/commit-event.ts'
import type { WebhookForge } from '../../../core/forges.ts'
import type { EventId, RepositoryId } from '../../../core/ids.ts'
import { type FormerTrust, trustOfFormer } from '../../../core/stranger/stranger.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import type { AcceptedEvent, DeliveryRecord, PendingEvent } from '../../records.ts'
import type { PendingQuery } from '../../store.ts'
import { hotQuery } from '../hot-query.ts'
import { batches } from '../rows.ts'
import type { CommitEventRow, Db, DeliveryRow } from '../tables.ts'
import { textKey } from '../text.ts'

export async function findEvent(db: Db, id: EventId): Promise<CommitEvent | undefined> {
  const [row] = (await selectEvent(db, { id })).rows
  return row && eventOf(row)
}

const selectEvent = hotQuery((db, { id }: { id: EventId }) =>
  db.selectFrom('commit_events').selectAll().where('id', '=', id),
)

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

export async function acceptEvents(
  db: Db,
  events: readonly CommitEvent[],
): Promise<AcceptedEvent[]> {
  await requireRegistered(db, new Set(events.map(({ repositoryId }) => repositoryId)))
  const keys = events.map((event) => textKey(semanticKey(event)))
  const found = new Map<string, AcceptedEvent>()
  // In one order, so that two writers of the same commits don't lock crosswise.
  const rows = events
    .map((event, index) => newRow(event, keys[index] ?? ''))
    .sort((a, b) => (a.semantic_key < b.semantic_key ? -1 : 1))
  for (const batch of batches(rows)) {
    const inserted = await db
      .insertInto('commit_events')
      .values(batch)
      // Any conflict: a write that is done twice at the same time may hit the id first.
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .execute()
    for (const row of inserted) {
      found.set(row.semantic_key, { event: eventOf(row), created: true })
    }
  }
  const isNew = new Set(found.keys())
  for (const batch of batches([...new Set(keys)].filter((key) => !isNew.has(key)))) {
    const known = await db
      .selectFrom('commit_events')
      .selectAll()
      .where('semantic_key', 'in', batch)
      .execute()
    for (const row of known) found.set(row.semantic_key, { event: eventOf(row), created: false })
  }
  return events.map((event, index) => {
    const accepted = found.get(keys[index] ?? '')
    if (!accepted) throw new NarwhalError('conflict', `${event.id} is there as another commit`)
    // Of several that are the same commit the first one has made it.
    return accepted.created && accepted.event.id !== event.id
      ? { ...accepted, created: false }
      : accepted
  })
}

function newRow(
  event: CommitEvent,
  semantic_key: string,
): Omit<CommitEventRow, 'ended_reason' | 'closed_at'> {
  return {
    id: event.id,
    repository_id: event.repositoryId,
    semantic_key,
    kind: event.kind,
    ref: event.ref,
    sha: event.sha,
    title: event.title,
    author: event.author,
    trust: JSON.stringify(event.trust),
    details: event.details ? JSON.stringify(event.details) : null,
    source: event.source,
    received_at: event.receivedAt,
    pending: 1,
    search_text: searchText(event),
  }
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

async function requireRegistered(db: Db, ids: ReadonlySet<RepositoryId>): Promise<void> {
  const missing = new Set<string>(ids)
  for (const batch of batches([...ids])) {
    const rows = await db
      .selectFrom('repositories')
      .select('id')
      .where('id', 'in', batch)
      .where('removed_at', 'is', null)
      .execute()
    for (const { id } of rows) missing.delete(id)
  }
  const [id] = missing
  if (id !== undefined) throw new NarwhalError('not_found', `no repository ${id} is registered`)
}

export async function findDeliveries(
  db: Db,
  forge: WebhookForge,
  deliveryIds: readonly string[],
): Promise<DeliveryRecord[]> {
  const found: DeliveryRecord[] = []
  for (const batch of batches(deliveryIds)) {
    const rows = await db
      .selectFrom('deliveries')
      .selectAll()
      .where('forge', '=', forge)
      .where('delivery_id', 'in', batch)
      .execute()
    found.push(...rows.map((row) => deliveryOf(forge, row)))
  }
  return found
}

function deliveryOf(forge: WebhookForge, row: DeliveryRow): DeliveryRecord {
  return {
    forge,
    deliveryId: row.delivery_id,
    repositoryId: row.repository_id as RepositoryId,
    disposition: row.disposition as DeliveryRecord['disposition'],
    ...present({ eventId: row.event_id as EventId | null, reason: row.reason }),
    receivedAt: row.received_at,
  }
}

export async function recordDeliveries(
  db: Db,
  deliveries: readonly DeliveryRecord[],
): Promise<void> {
  const rows = deliveries.map((delivery) => ({
    forge: delivery.forge,
    delivery_id: delivery.deliveryId,
    repository_id: delivery.repositoryId,
    disposition: delivery.disposition,
    event_id: delivery.eventId ?? null,
    reason: delivery.reason ?? null,
    received_at: delivery.receivedAt,
  }))
  // As for events, in one order.
  rows.sort((a, b) => (a.delivery_id < b.delivery_id ? -1 : 1))
  for (const batch of batches(rows)) {
    await db
      .insertInto('deliveries')
      .values(batch)
      .onConflict((conflict) => conflict.columns(['forge', 'delivery_id']).doNothing())
      .execute()
  }
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
    trust: trustOf(row),
    ...(row.details === null ? {} : { details: JSON.parse(row.details) as EventDetails }),
    source: row.source as CommitEvent['source'],
    receivedAt: row.received_at,
  }
}

/** Former versions have written whether it came from a fork, and fewer facts. */
export function trustOf({
  trust,
  kind,
  ref,
}: Pick<CommitEventRow, 'trust' | 'kind' | 'ref'>): Trust {
  const read = JSON.parse(trust) as Trust | FormerTrust
  if (!('fromFork' in read)) return read
  return trustOfFormer({ kind: kind as CommitEvent['kind'], ref }, read)
}
