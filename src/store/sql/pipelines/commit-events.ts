import { sql } from 'kysely'
import {
  type CommitEvent,
  type EventDetails,
  semanticKey,
  type Trust,
} from '../../../core/commit-event.ts'
import type { EventId, PipelineId, RepositoryId } from '../../../core/ids.ts'
import { type FormerTrust, trustOfFormer } from '../../../core/stranger/stranger.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import type { EventReader, EventWriter, PendingQuery } from '../../ports/events.ts'
import type { AcceptedEvent, PendingEvent } from '../../records.ts'
import { hotQuery } from '../hot-query.ts'
import { batches, jsonOf, parsed } from '../rows.ts'
import type { ChangedIds } from '../state-changes.ts'
import type { CommitEventRow, Db } from '../tables.ts'
import { textKey } from '../text.ts'

export function eventReader(db: Db): EventReader {
  return {
    find: (id) => findEvent(db, id),
    listPending: (query) => listPendingEvents(db, query),
  }
}

export function eventWriter(db: Db, changed: ChangedIds): EventWriter {
  return {
    ...eventReader(db),
    accept: (events) => acceptEvents(db, events),
    endOfRemoved: () => endEventsOfRemoved(db),
    describe: async (id, text) => {
      await describeEvent(db, id, text)
      for (const pipeline of await listPipelinesOf(db, id)) changed.add('pipeline', pipeline)
    },
    noteClosed: (closed) => noteClosed(db, closed),
  }
}

export async function findEvent(db: Db, id: EventId): Promise<CommitEvent | undefined> {
  const [row] = (await selectEvent(db, { id })).rows
  return row && eventOf(row)
}

const selectEvent = hotQuery((db, { id }: { id: EventId }) =>
  db.selectFrom('commit_events').selectAll().where('id', '=', id),
)

async function listPendingEvents(db: Db, query: PendingQuery): Promise<PendingEvent[]> {
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
    .set({ pending: 0, ended_reason: 'the repository was removed before it was built' })
    .where('pending', '=', 1)
    .where('repository_id', 'in', (select) =>
      select.selectFrom('repositories').select('id').where('removed_at', 'is not', null),
    )
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

async function acceptEvents(db: Db, events: readonly CommitEvent[]): Promise<AcceptedEvent[]> {
  await requireRegistered(db, new Set(events.map(({ repositoryId }) => repositoryId)))
  const keys = events.map((event) => textKey(semanticKey(event)))
  const found = new Map<string, AcceptedEvent>()
  // In one order, to avoid deadlock between writers of the same commits.
  const rows = events
    .map((event, index) => newRow(event, keys[index] ?? ''))
    .sort((a, b) => (a.semantic_key < b.semantic_key ? -1 : 1))
  for (const batch of batches(rows)) {
    const inserted = await db
      .insertInto('commit_events')
      .values(batch)
      // Any conflict: a concurrent duplicate may hit the id first.
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
    if (!accepted) throw new NarwhalError('conflict', `${event.id} exists as another commit`)
    // Of duplicates in the list only the first counts as created.
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
    details: jsonOf(event.details),
    source: event.source,
    received_at: event.receivedAt,
    pending: 1,
    search_text: searchText(event),
  }
}

async function describeEvent(
  db: Db,
  id: EventId,
  text: { readonly title: string; readonly author: string },
): Promise<void> {
  const event = await findEvent(db, id)
  if (!event) throw new NarwhalError('not_found', `the commit event ${id} does not exist`)
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
    source: row.source as CommitEvent['source'],
    receivedAt: row.received_at,
    ...present({ details: parsed(row.details) as EventDetails | null }),
  }
}

/** Earlier versions wrote whether it came from a fork, and fewer facts. */
export function trustOf({
  trust,
  kind,
  ref,
}: Pick<CommitEventRow, 'trust' | 'kind' | 'ref'>): Trust {
  const read = JSON.parse(trust) as Trust | FormerTrust
  if (!('fromFork' in read)) return read
  return trustOfFormer({ kind: kind as CommitEvent['kind'], ref }, read)
}

/** The event's pipeline and its reruns. */
async function listPipelinesOf(db: Db, eventId: EventId): Promise<PipelineId[]> {
  const rows = await db
    .selectFrom('pipelines')
    .select('id')
    .where('event_id', '=', eventId)
    .orderBy('created_at')
    .execute()
  return rows.map((row) => row.id as PipelineId)
}

async function noteClosed(
  db: Db,
  closed: { repositoryId: RepositoryId; ref: string; at: number },
): Promise<void> {
  await db
    .updateTable('commit_events')
    .set({ closed_at: closed.at })
    .where('repository_id', '=', closed.repositoryId)
    .where('ref', '=', closed.ref)
    // A literal: a partial index is not used with a parameter.
    .where('kind', '=', sql.lit('pull_request'))
    .execute()
}
