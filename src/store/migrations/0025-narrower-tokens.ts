import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/**
 * Access tokens may be narrower than their owners, web processes are known to dispatchers, a repository's
 * owner has a number at the forge, and pipelines are kept for a reason. The tokens that are there stay as
 * wide as they were.
 */
export const narrowerTokens: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `alter table tokens add column role text`,
  // JSON of the ids, or null: all of them.
  `alter table tokens add column repositories text`,
  `create table forwarders (hash text primary key, ends_at INT not null)`,
  `alter table repositories add column forge_owner_id INT`,
  // JSON of a Hold.
  `alter table pipelines add column hold text`,
]
