import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Whether a forge takes the token of a repository, and when that was tried last. */
export const forgeRefusals: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  // JSON of ForgeRefusal; null: it was taken last, or not tried.
  `alter table forge_links add column refusal text`,
  `alter table forge_links add column tried_at INT`,
]
