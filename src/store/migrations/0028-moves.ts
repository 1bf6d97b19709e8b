import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Commit events as moves of a ref: several of one ref may be at the same commit. */
export const moves: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  // As `semantic_key` of earlier versions, but not unique: textKey of repository, ref and commit.
  `alter table commit_events add column commit_key text`,
  `update commit_events set commit_key = semantic_key`,
  `create index commit_events_commit on commit_events (commit_key)`,
  `alter table commit_events add column before_sha text`,
  `alter table commit_events add column stamp text`,
  `alter table commit_events add column occurrence text`,
  // The commit_key of where it began, while nothing known has led there.
  `alter table commit_events add column gap_key text`,
  `create index commit_events_gap on commit_events (gap_key) where gap_key is not null`,
  // 2: its pipeline has to be planned again.
  `drop index commit_events_pending`,
  `create index commit_events_pending on commit_events (received_at, id) where pending > 0`,
  // When a webhook told of it; null: a poll did.
  `alter table heads add column told_at INT`,
]
