import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Which commits are of pull requests that were closed: nobody need approve those any more. */
export const closedRequests: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `alter table commit_events add column closed_at INT`,
  `create index commit_events_of_requests on commit_events (repository_id, ref)
    where kind = 'pull_request'`,
]
