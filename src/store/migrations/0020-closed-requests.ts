import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Marks commits of closed pull requests, which no longer need approval. */
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
