import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Redactions of attempts' logs. */
export const redactions: Migration = {
  async up(db) {
    await runStatements(db, [`alter table attempts add column redactions text`])
  },
}
