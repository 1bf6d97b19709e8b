import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** When a secret expires, which runners may get it, and whether it is masked in logs. */
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
