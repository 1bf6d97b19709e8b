import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** What was taken out of the logs of attempts, by whom and when. */
export const redactions: Migration = {
  async up(db) {
    await runStatements(db, [`alter table attempts add column redactions text`])
  },
}
