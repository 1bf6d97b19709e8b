import { sql } from 'kysely'
import type { DispatcherId, PipelineId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { DispatcherReader, DispatcherWriter } from '../ports/dispatchers.ts'
import type { DispatcherRecord } from '../records.ts'
import { hotQuery } from './hot-query.ts'
import { batches, isPostgres } from './rows.ts'
import type { Db, PipelineRow } from './tables.ts'

export function dispatcherReader(db: Db): DispatcherReader {
  return { list: () => listDispatchers(db) }
}

export function dispatcherWriter(db: Db): DispatcherWriter {
  return {
    ...dispatcherReader(db),
    takeSeat: (seat) => takeSeat(db, seat),
    heartbeat: (id) => addHeartbeat(db, id),
    endSeats: (seats) => endSeats(db, seats),
  }
}

async function listDispatchers(db: Db): Promise<DispatcherRecord[]> {
  const rows = await db
    .selectFrom('dispatchers')
    .selectAll()
    .orderBy('started_at')
    .orderBy('id')
    .execute()
  return rows.map((row) => ({
    id: row.id as DispatcherId,
    ...present({ url: row.url }),
    heartbeats: row.beats,
    startedAt: row.started_at,
  }))
}

async function takeSeat(
  db: Db,
  seat: { id: DispatcherId; url?: string; startedAt: number },
): Promise<void> {
  await db
    .insertInto('dispatchers')
    .values({ id: seat.id, url: seat.url ?? null, beats: 0, started_at: seat.startedAt })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
}

async function addHeartbeat(db: Db, id: DispatcherId): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('dispatchers')
    .set((is) => ({ beats: is('beats', '+', 1) }))
    .where('id', '=', id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

async function endSeats(
  db: Db,
  seats: readonly { readonly id: DispatcherId; readonly heartbeats?: number }[],
): Promise<void> {
  for (const { id, heartbeats } of seats) {
    await db
      .deleteFrom('dispatchers')
      .where('id', '=', id)
      .$if(heartbeats !== undefined, (query) => query.where('beats', '=', heartbeats ?? 0))
      .execute()
  }
}

export async function takeFreePipelines(db: Db, by: DispatcherId): Promise<PipelineId[]> {
  await holdSeat(db, by)
  // Checks again that they are free: only a statement that starts after the locking sees seats that were
  // taken meanwhile.
  const free = await freePipelines(db).execute()
  const taken: { id: string; created_at: number }[] = []
  for (const batch of batches(free.map(({ id }) => id))) {
    const rows = await db
      .updateTable('pipelines')
      .set((is) => ({ dispatcher_id: by, term: is('term', '+', 1) }))
      .where('id', 'in', batch)
      .where(isOpen)
      .where(isFree)
      .returning(['id', 'created_at'])
      .execute()
    taken.push(...rows)
  }
  return taken
    .sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1))
    .map(({ id }) => id as PipelineId)
}

/**
 * All free pipelines, locked. Those locked by others are skipped: another dispatcher is taking them, or
 * was frozen during a write, which nobody should wait for. The next search finds them.
 */
export function freePipelines(db: Db) {
  return db
    .selectFrom('pipelines')
    .select('id')
    .where(isOpen)
    .where(isFree)
    .$if(isPostgres(db), (query) => query.forNoKeyUpdate().skipLocked())
}

/** Exactly as in the partial index: with a parameter SQLite would not use it. */
const isOpen = sql<boolean>`status <> 'finished'`

/** It has no dispatcher, or one without a seat. */
const isFree = sql<boolean>`(dispatcher_id is null
  or dispatcher_id not in (select id from dispatchers))`

export async function takePipeline(db: Db, id: PipelineId, by: DispatcherId): Promise<void> {
  await holdSeat(db, by)
  await db
    .updateTable('pipelines')
    .set((is) => ({ dispatcher_id: by, term: is('term', '+', 1) }))
    .where('id', '=', id)
    .where((is) => is.or([is('dispatcher_id', 'is', null), is('dispatcher_id', '<>', by)]))
    .execute()
}

/** A pipeline's owner, from its locked row. */
export type Holder = Pick<PipelineRow, 'dispatcher_id' | 'term'>

const lockPipeline = hotQuery((db, { id }: { id: PipelineId }) =>
  db
    .selectFrom('pipelines')
    .select(['dispatcher_id', 'term'])
    .where('id', '=', id)
    .$if(isPostgres(db), (query) => query.forNoKeyUpdate()),
)

/** Locks the rows until the transaction ends; unknown ids are left out. */
export async function lockPipelines(
  db: Db,
  ids: readonly PipelineId[],
): Promise<Map<PipelineId, Holder>> {
  const holders = new Map<PipelineId, Holder>()
  for (const batch of batches(ids.toSorted())) {
    const rows = await db
      .selectFrom('pipelines')
      .select(['id', 'dispatcher_id', 'term'])
      .where('id', 'in', batch)
      .orderBy('id')
      .$if(isPostgres(db), (query) => query.forNoKeyUpdate())
      .execute()
    for (const { id, ...holder } of rows) holders.set(id as PipelineId, holder)
  }
  return holders
}

/**
 * Locks the row, so that nobody takes the pipeline before the transaction ends. `known`: its owner, if
 * it is locked already.
 */
export async function guardPipeline(
  db: Db,
  { id, by, term }: { id: PipelineId; by: DispatcherId; term: number },
  known?: Holder,
): Promise<void> {
  const row = known ?? (await lockPipeline(db, { id })).rows[0]
  if (row?.dispatcher_id === by && row.term === term) return
  const holder = row ? `${row.dispatcher_id ?? 'nobody'} in term ${row.term}` : 'gone'
  throw new NarwhalError('stale', `${by} owned ${id} in term ${term}; now it is ${holder}`)
}

/** A dispatcher without a seat takes nothing. The lock keeps the seat until the transaction ends. */
async function holdSeat(db: Db, id: DispatcherId): Promise<void> {
  const { rows } = isPostgres(db)
    ? await sql`select id from dispatchers where id = ${id} for key share`.execute(db)
    : await sql`select id from dispatchers where id = ${id}`.execute(db)
  if (rows.length === 0) throw new NarwhalError('stale', `the seat of ${id} has ended`)
}
