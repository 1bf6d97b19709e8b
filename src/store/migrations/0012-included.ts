import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** The included files that a pipeline was planned from. */
export const included: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [`alter table pipelines add column included text`]
