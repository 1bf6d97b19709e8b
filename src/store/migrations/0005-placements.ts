import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** The newest placements are found without looking at all. */
export const placements: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [`create index attempts_by_assignment on attempts (assigned_at, job_id)`]
