import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { forgePathOf } from '../../core/forge-path.ts'
import type { Forge } from '../../core/forges.ts'
import { nameKey } from '../sql/text.ts'
import { runStatements } from './run-statements.ts'

/**
 * Repositories by their paths at their forges, which are not their names here. Ids at forges are no longer
 * unique: two servers of one kind each have a repository 1.
 */
export const forgePaths: Migration = {
  async up(db) {
    await runStatements(db, BEFORE)
    await setPaths(db)
    await runStatements(db, AFTER)
  },
}

const BEFORE = [
  `alter table repositories add column path_key text not null default ''`,
  `alter table repositories add column moved_to text`,
  `drop index repositories_forge_id`,
]

const AFTER = [
  `create index repositories_forge_ids on repositories (forge, forge_id) where removed_at is null`,
  `create index repositories_paths on repositories (forge, path_key) where removed_at is null`,
]

async function setPaths(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ id: string; forge: Forge; clone_url: string; name: string }>`
    select id, forge, clone_url, name from repositories`.execute(db)
  for (const { id, clone_url: cloneUrl, ...rest } of rows) {
    const key = nameKey(forgePathOf({ ...rest, cloneUrl }))
    await sql`update repositories set path_key = ${key} where id = ${id}`.execute(db)
  }
}
