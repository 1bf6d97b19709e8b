import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/**
 * Access tokens with fewer permissions than their owners, credentials of web processes, the id of a
 * repository's owner at the forge, and holds of pipelines. Existing tokens are unchanged.
 */
export const narrowerTokens: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `alter table tokens add column role text`,
  // JSON of the ids; null: all.
  `alter table tokens add column repositories text`,
  `create table forwarders (hash text primary key, ends_at INT not null)`,
  `alter table repositories add column forge_owner_id INT`,
  // JSON of a Hold.
  `alter table pipelines add column hold text`,
]
