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
  // Whose they are once they are locked is asked anew: by a statement that begins after the
  // waiting, and so knows the seats that were taken meanwhile.
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
 * All of them, locked. One that somebody has locked is left out: another one takes it, or a dispatcher
 * was stopped in the middle of a write, and nobody is to wait for that. The next search finds it.
 */
export function freePipelines(db: Db) {
  return db
    .selectFrom('pipelines')
    .select('id')
    .where(isOpen)
    .where(isFree)
    .$if(isPostgres(db), (query) => query.forNoKeyUpdate().skipLocked())
}

/** In the words of the partial index; a parameter would hide from SQLite that it is of use. */
const isOpen = sql<boolean>`status <> 'finished'`

/** Its dispatcher has no seat, or it has none. */
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

/** Whose a pipeline is, by its row, which is locked. */
export type Holder = Pick<PipelineRow, 'dispatcher_id' | 'term'>

const lockPipeline = hotQuery((db, { id }: { id: PipelineId }) =>
  db
    .selectFrom('pipelines')
    .select(['dispatcher_id', 'term'])
    .where('id', '=', id)
    .$if(isPostgres(db), (query) => query.forNoKeyUpdate()),
)

/** The rows stay locked; those that are not there are left out. */
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
 * The row stays locked, so that nobody takes the pipeline before what follows is written. Where it is
 * locked already, its holder is known.
 */
export async function guardPipeline(
  db: Db,
  { id, by, term }: { id: PipelineId; by: DispatcherId; term: number },
  known?: Holder,
): Promise<void> {
  const row = known ?? (await lockPipeline(db, { id })).rows[0]
  if (row?.dispatcher_id === by && row.term === term) return
  const holder = row ? `${row.dispatcher_id ?? 'nobody'} in term ${row.term}` : 'gone'
  throw new NarwhalError('stale', `${id} was ${by}'s in term ${term}; it is ${holder}`)
}

/** Whoever has no seat takes nothing; the seat can't be ended before the transaction is. */
async function holdSeat(db: Db, id: DispatcherId): Promise<void> {
  const { rows } = isPostgres(db)
    ? await sql`select id from dispatchers where id = ${id} for key share`.execute(db)
    : await sql`select id from dispatchers where id = ${id}`.execute(db)
  if (rows.length === 0) throw new NarwhalError('stale', `the seat of ${id} has ended`)
}
