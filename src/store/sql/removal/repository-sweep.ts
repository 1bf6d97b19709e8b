import { sql } from 'kysely'
import type { RepositoryId } from '../../../core/ids.ts'
import type { RemovedSome } from '../../ports/retention.ts'
import type { Db } from '../tables.ts'

/** Rows removed in one step. */
const STEP_ROWS = 500

/**
 * The tables with rows of a repository besides its pipelines, in the order in which they may be
 * removed, each with the column that refers to the repository and its key.
 */
const TABLES = [
  { table: 'lookups', column: 'repository_id', key: 'forge, delivery_id' },
  { table: 'refused_deliveries', column: 'repository_id', key: 'repository_id, refusal' },
  { table: 'deliveries', column: 'repository_id', key: 'forge, delivery_id' },
  { table: 'commit_events', column: 'repository_id', key: 'id' },
  { table: 'heads', column: 'repository_id', key: 'repository_id, ref_key' },
  { table: 'told_statuses', column: 'repository_id', key: 'repository_id, sha, context' },
  { table: 'forge_links', column: 'repository_id', key: 'repository_id' },
  { table: 'forge_accounts', column: 'repository_id', key: 'repository_id, account_id' },
  { table: 'merged_authors', column: 'repository_id', key: 'repository_id, actor_id' },
  { table: 'group_members', column: 'repository_id', key: 'id' },
  { table: 'id_token_subjects', column: 'repository_id', key: 'repository_id' },
  { table: 'secrets', column: 'scope', key: 'scope, name' },
] as const

/** The tables that have no rows of a removed repository; a test compares them with the schema. */
export const SWEPT_TABLES: readonly string[] = [
  ...TABLES.map(({ table }) => table),
  'pipelines',
  'jobs',
  'attempts',
  'log_chunks',
  'repositories',
]

/** Removes some rows of a removed repository, table by table, and finally its own. */
export async function sweepRepository(db: Db, id: RepositoryId): Promise<RemovedSome> {
  const row = await db
    .selectFrom('repositories')
    .select(['name_key', 'last_number'])
    .where('id', '=', id)
    .where('removed_at', 'is not', null)
    .executeTakeFirst()
  const pipelines = sql`select 1 from pipelines where repository_id = ${id} limit 1`
  if (!row || (await pipelines.execute(db)).rows.length > 0) return NOTHING
  for (const { table, column, key } of TABLES) {
    const { numAffectedRows = 0n } = await sql`
      delete from ${sql.raw(table)} where (${sql.raw(key)}) in (
        select ${sql.raw(key)} from ${sql.raw(table)} where ${sql.raw(column)} = ${id}
        limit ${STEP_ROWS})`.execute(db)
    if (numAffectedRows > 0n) {
      return { rows: Number(numAffectedRows), bytes: 0, hasMore: true, isDone: false }
    }
  }
  await noteUsedNumber(db, row.name_key, row.last_number)
  await db.deleteFrom('repositories').where('id', '=', id).execute()
  return { rows: 1, bytes: 0, hasMore: false, isDone: true }
}

const NOTHING: RemovedSome = { rows: 0, bytes: 0, hasMore: false, isDone: false }

/** Pipeline numbers are addresses: never reused under a name, even after the repository is removed. */
export async function noteUsedNumber(db: Db, nameKey: string, number: number): Promise<void> {
  await db
    .insertInto('used_numbers')
    .values({ name_key: nameKey, last_number: number })
    .onConflict((conflict) =>
      conflict.column('name_key').doUpdateSet({
        last_number: sql`case when used_numbers.last_number > excluded.last_number
          then used_numbers.last_number else excluded.last_number end`,
      }),
    )
    .execute()
}

/** The highest number ever used under a name, by an existing or a removed repository. */
export async function lastNumberOf(db: Db, nameKey: string): Promise<number> {
  const { rows } = await sql<{ last: number | null }>`
    select max(last_number) as last from (
      select last_number from repositories where name_key = ${nameKey}
      union all select last_number from used_numbers where name_key = ${nameKey}
    ) as numbers`.execute(db)
  return Number(rows[0]?.last ?? 0)
}
