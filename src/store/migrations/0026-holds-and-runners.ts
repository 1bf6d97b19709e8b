import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/**
 * Held pipelines are found without a look at all; join tokens are bound to where they are used from, and
 * runners may leave at their end.
 */
export const holdsAndRunners: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `create index pipelines_held on pipelines (repository_id) where hold is not null`,
  // JSON of address ranges; null: from everywhere.
  `alter table join_tokens add column sources text`,
  `alter table runners add column ephemeral INT not null default 0`,
]
