import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Pipelines know what they were planned from besides narwhal.yml. */
export const included: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [`alter table pipelines add column included text`]
