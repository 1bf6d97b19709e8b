import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** What holds for a secret besides its value: until when, on which runners, and whether logs may show it. */
export const secretRules: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `alter table secrets add column expires_at INT`,
  `alter table secrets add column runners text`,
  `alter table secrets add column not_masked INT`,
]
