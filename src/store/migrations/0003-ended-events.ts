import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Commit events that get no pipeline say why. */
export const endedEvents: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [`alter table commit_events add column ended_reason text`]
