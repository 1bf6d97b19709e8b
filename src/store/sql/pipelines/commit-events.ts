import { sql } from 'kysely'
import type { CommitEvent } from '../../../core/commit-event.ts'
import type { EventId, PipelineId, RepositoryId } from '../../../core/ids.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import type { EventReader, EventWriter, PendingQuery } from '../../ports/events.ts'
import type { PendingEvent } from '../../records.ts'
import { hotQuery } from '../hot-query.ts'
import { batches } from '../rows.ts'
import type { ChangedIds } from '../state-changes.ts'
import type { Db } from '../tables.ts'
import { acceptTellings, noteGoneRefs } from './accept-events.ts'
import { eventOf, searchText } from './event-rows.ts'
import { dropEvent, setEventPart } from './requested-events.ts'

export function eventReader(db: Db): EventReader {
  return {
    find: (id) => findEvent(db, id),
    listPending: (query) => listPendingEvents(db, query),
  }
}

export function eventWriter(db: Db, changed: ChangedIds): EventWriter {
  return {
    ...eventReader(db),
    accept: async (tellings) => {
      await requireRegistered(db, new Set(tellings.map(({ repositoryId }) => repositoryId)))
      const { accepted, completed } = await acceptTellings(db, tellings)
      for (const { id } of completed) {
        for (const pipeline of await listPipelinesOf(db, id)) changed.add('pipeline', pipeline)
      }
      return accepted
    },
    noteGone: (told) => noteGoneRefs(db, told),
    endReplan: async (id) => {
      await db.updateTable('commit_events').set({ pending: 0 }).where('id', '=', id).execute()
    },
    endOfRemoved: () => endEventsOfRemoved(db),
    describe: async (id, text) => {
      await describeEvent(db, id, text)
      for (const pipeline of await listPipelinesOf(db, id)) changed.add('pipeline', pipeline)
    },
    noteClosed: (closed) => noteClosed(db, closed),
    drop: (id, reason) => dropEvent(db, id, reason),
    setPart: (id, part) => setEventPart(db, id, part),
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
    // Exactly as in the partial index.
    .where('pending', '>', sql.lit(0))
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
    .where('pending', '>', sql.lit(0))
    .where('repository_id', 'in', (select) =>
      select.selectFrom('repositories').select('id').where('removed_at', 'is not', null),
    )
    .executeTakeFirst()
  return Number(numUpdatedRows)
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
