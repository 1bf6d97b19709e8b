import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Commit events have the details that a pipeline may be planned by. */
export const eventDetails: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [`alter table commit_events add column details text`]
