import { sql } from 'kysely'
import { type CommitEvent, refKey } from '../../../core/commit-event.ts'
import type { EventId, RepositoryId } from '../../../core/ids.ts'
import type { GoneTelling, Position, Telling } from '../../../core/moves/telling.ts'
import { present } from '../../../lib/present.ts'
import type { AcceptedEvent } from '../../records.ts'
import { forgetHeads, setHeads } from '../heads.ts'
import { batches, isPostgres } from '../rows.ts'
import type { CommitEventRow, Db } from '../tables.ts'
import { textKey } from '../text.ts'
import { eventOf, rowOf } from './event-rows.ts'
import { type Entry, keysOf, RefMoves } from './ref-moves.ts'

/** Writes what is new, and returns the event of each telling, in the same order. */
export async function acceptTellings(
  db: Db,
  tellings: readonly Telling[],
): Promise<{ accepted: AcceptedEvent[]; completed: CommitEvent[] }> {
  if (tellings.length === 0) return { accepted: [], completed: [] }
  const moves = await load(db, tellings)
  const matched = tellings.map((telling) => moves.accept(telling))
  const stored = await write(db, moves)
  // As the database has it, which doesn't keep every text.
  const accepted = matched.map((one) => ({ ...one, event: stored.get(one.event.id) ?? one.event }))
  return { accepted, completed: moves.changed.map(({ event }) => event) }
}

/** Returns for each whether it can't be said without asking the git server. */
export async function noteGoneRefs(db: Db, told: readonly GoneTelling[]): Promise<boolean[]> {
  if (told.length === 0) return []
  const moves = await load(db, told)
  const unsure = told.map((telling) => moves.noteGone(telling))
  await write(db, moves)
  return unsure
}

async function load(db: Db, told: readonly (Telling | GoneTelling)[]): Promise<RefMoves> {
  await lock(db, new Set(told.map(({ repositoryId }) => repositoryId)))
  const positions = await readPositions(db, told)
  return new RefMoves(positions, await readEntries(db, new Set(told.flatMap(keysOf))))
}

/** Positions and events of a repository are read and written by one transaction at a time. */
async function lock(db: Db, repositories: ReadonlySet<RepositoryId>): Promise<void> {
  // SQLite has a single writer.
  if (!isPostgres(db)) return
  const keys = [...repositories].sort().map((id) => `moves ${id}`)
  for (const batch of batches(keys)) {
    const list = sql.join(batch.map((key) => sql`(${key}::text)`))
    await sql`select pg_advisory_xact_lock(key) from (
      select hashtextextended(name, 0) as key from (values ${list}) as names (name) order by 1
    ) as keys`.execute(db)
  }
}

async function readPositions(
  db: Db,
  told: readonly (Telling | GoneTelling)[],
): Promise<Map<string, Position>> {
  const refs = new Set(told.map(({ ref }) => textKey(ref)))
  const repositories = [...new Set(told.map(({ repositoryId }) => repositoryId))]
  const positions = new Map<string, Position>()
  for (const some of batches(repositories)) {
    for (const batch of batches([...refs])) {
      const rows = await db
        .selectFrom('heads')
        .select(['repository_id', 'ref', 'sha', 'told_at as toldAt'])
        .where('repository_id', 'in', some)
        .where('ref_key', 'in', batch)
        .execute()
      for (const { repository_id: id, ref, sha, toldAt } of rows) {
        positions.set(refKey(id as RepositoryId, ref), { sha, ...present({ toldAt }) })
      }
    }
  }
  return positions
}

async function readEntries(db: Db, keys: ReadonlySet<string>): Promise<Entry[]> {
  const entries: Entry[] = []
  for (const batch of batches([...keys])) {
    const rows = await db
      .selectFrom('commit_events')
      .selectAll()
      .where((is) => is.or([is('commit_key', 'in', batch), is('gap_key', 'in', batch)]))
      .orderBy('received_at')
      .orderBy('id')
      .execute()
    entries.push(...rows.map(entryOf))
  }
  return entries
}

function entryOf(row: CommitEventRow): Entry {
  return {
    event: eventOf(row),
    commitKey: row.commit_key ?? row.semantic_key,
    gapKey: row.gap_key,
    isNew: false,
    isChanged: false,
    isToReplan: false,
    ...present({ closedAt: row.closed_at }),
  }
}

/** Returns the new events, as stored. */
async function write(db: Db, moves: RefMoves): Promise<Map<EventId, CommitEvent>> {
  const stored = new Map<EventId, CommitEvent>()
  const rows = moves.fresh.map(({ entry, isFirst }) => rowOf(entry.event, { ...entry, isFirst }))
  // In one order, to avoid deadlock between writers.
  rows.sort((a, b) => (a.semantic_key < b.semantic_key ? -1 : 1))
  for (const batch of batches(rows)) {
    const inserted = await db.insertInto('commit_events').values(batch).returningAll().execute()
    for (const row of inserted) stored.set(row.id as EventId, eventOf(row))
  }
  for (const entry of moves.changed) await update(db, entry)
  const gone = Map.groupBy(
    moves.moved.filter(({ sha }) => sha === ''),
    ({ repositoryId }) => repositoryId,
  )
  await setHeads(
    db,
    moves.moved.filter(({ sha }) => sha !== ''),
  )
  for (const [repositoryId, heads] of gone) {
    const refs = heads.map(({ ref }) => ref)
    await forgetHeads(db, repositoryId, refs)
  }
  return stored
}

async function update(db: Db, { event, commitKey, gapKey, isToReplan }: Entry): Promise<void> {
  const row = rowOf(event, { commitKey, gapKey, isFirst: false })
  const { id, semantic_key: _, pending: __, ...values } = row
  await db
    .updateTable('commit_events')
    .set({ ...values, ...(isToReplan ? { pending: 2 } : {}) })
    .where('id', '=', id)
    .execute()
}
