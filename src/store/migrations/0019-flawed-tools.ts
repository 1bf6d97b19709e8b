import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** The programs with known vulnerabilities that a runner reports. */
export const flawedTools: Migration = {
  async up(db) {
    await runStatements(db, [`alter table runners add column flawed_tools text`])
  },
}
