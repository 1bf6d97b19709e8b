import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Which files a stranger's commit changes, and what a repository says about those and about what is skipped. */
export const pipelineFiles: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `alter table pipelines add column changed_files text`,
  // Null: the default, which is the careful one, also for those that were registered before.
  `alter table repositories add column pipeline_files text`,
  `alter table repositories add column skipped_is_open INT not null default 0`,
]
