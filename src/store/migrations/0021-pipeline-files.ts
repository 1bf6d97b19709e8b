import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** The files that a stranger's commit changes, and rules for those and for skipped pipelines. */
export const pipelineFiles: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `alter table pipelines add column changed_files text`,
  // Null: the default, which is the safe one, also for repositories registered earlier.
  `alter table repositories add column pipeline_files text`,
  `alter table repositories add column skipped_is_open INT not null default 0`,
]
