import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Attempts keep what their job told. */
export const outputs: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [`alter table attempts add column outputs text`]
