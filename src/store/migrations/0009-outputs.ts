import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Outputs of attempts. */
export const outputs: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [`alter table attempts add column outputs text`]
