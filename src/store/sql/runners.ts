import type { RunnerId } from '../../core/ids.ts'
import type { Engine } from '../../core/placement/placement.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { RunnerRecord } from '../records.ts'
import { batches, present } from './rows.ts'
import type { Db, RunnerRow } from './tables.ts'

export async function findRunner(db: Db, idOrName: string): Promise<RunnerRecord | undefined> {
  const rows = await db
    .selectFrom('runners')
    .selectAll()
    .where((is) => is.or([is('id', '=', idOrName), is('name', '=', idOrName)]))
    .execute()
  const row = rows.find(({ id }) => id === idOrName) ?? rows[0]
  return row && runnerOf(row)
}

export async function listRunners(db: Db): Promise<RunnerRecord[]> {
  const rows = await db.selectFrom('runners').selectAll().orderBy('name').execute()
  return rows.map(runnerOf)
}

/** Those of the ids, in no order. */
export async function runnersOf(db: Db, ids: readonly RunnerId[]): Promise<RunnerRecord[]> {
  const runners: RunnerRecord[] = []
  for (const batch of batches(ids)) {
    const rows = await db.selectFrom('runners').selectAll().where('id', 'in', batch).execute()
    runners.push(...rows.map(runnerOf))
  }
  return runners
}

export async function saveRunner(db: Db, runner: RunnerRecord): Promise<void> {
  const row = rowOf(runner)
  const { numUpdatedRows } = await db
    .updateTable('runners')
    .set(row)
    .where('id', '=', runner.id)
    .executeTakeFirst()
  if (numUpdatedRows > 0n) return
  const inserted = await db
    .insertInto('runners')
    .values({ id: runner.id, ...row })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (!inserted)
    throw new NarwhalError('conflict', `there is a runner named ${runner.name} already`)
}

export async function removeRunner(db: Db, id: RunnerId): Promise<void> {
  await db.deleteFrom('runners').where('id', '=', id).execute()
}

function rowOf(runner: RunnerRecord): Omit<RunnerRow, 'id'> {
  return {
    name: runner.name,
    link: runner.link,
    url: runner.url ?? null,
    balanced: Number(runner.balanced),
    link_token: runner.linkToken ?? null,
    members: runner.members,
    state: runner.state,
    reason: runner.reason ?? null,
    labels: JSON.stringify(runner.labels),
    engines: JSON.stringify(runner.engines),
    slots: runner.slots,
    busy: runner.busy,
    hardware: runner.hardware ? JSON.stringify(runner.hardware) : null,
    software_version: runner.softwareVersion ?? null,
    registered_at: runner.registeredAt,
    last_seen_at: runner.lastSeenAt ?? null,
  }
}

function runnerOf(row: RunnerRow): RunnerRecord {
  return {
    id: row.id as RunnerId,
    name: row.name,
    link: row.link as RunnerRecord['link'],
    ...present({ url: row.url }),
    balanced: row.balanced !== 0,
    ...present({ linkToken: row.link_token }),
    members: row.members,
    state: row.state as RunnerRecord['state'],
    ...present({ reason: row.reason }),
    labels: JSON.parse(row.labels) as string[],
    engines: JSON.parse(row.engines) as Engine[],
    slots: row.slots,
    busy: row.busy,
    ...(row.hardware !== null && {
      hardware: JSON.parse(row.hardware) as NonNullable<RunnerRecord['hardware']>,
    }),
    ...present({ softwareVersion: row.software_version }),
    registeredAt: row.registered_at,
    ...present({ lastSeenAt: row.last_seen_at }),
  }
}
