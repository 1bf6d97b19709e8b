import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** An index for the newest placements. */
export const placements: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [`create index attempts_by_assignment on attempts (assigned_at, job_id)`]
