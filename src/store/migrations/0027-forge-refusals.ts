import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Whether the forge rejects a repository's token, and when that was last checked. */
export const forgeRefusals: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  // JSON of ForgeRefusal; null: accepted last, or not tried.
  `alter table forge_links add column refusal text`,
  `alter table forge_links add column tried_at INT`,
]
