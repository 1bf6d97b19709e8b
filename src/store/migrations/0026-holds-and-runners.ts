import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/**
 * An index for held pipelines, join tokens bound to source addresses, and ephemeral runners.
 */
export const holdsAndRunners: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `create index pipelines_held on pipelines (repository_id) where hold is not null`,
  // JSON of address ranges; null: any.
  `alter table join_tokens add column sources text`,
  `alter table runners add column ephemeral INT not null default 0`,
]
