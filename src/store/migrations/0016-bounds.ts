import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** How long an existing installation keeps everything after the upgrade, whatever the rules say. */
const NOTICE_MS = 7 * 86_400_000

/** Sizes of logs, retention, what was removed, and the indexes that removal needs. */
export const bounds: Migration = {
  async up(db) {
    await runStatements(db, [
      ...STATEMENTS,
      `insert into retention (id, begins_at)
        select 1, case when count(*) > 0 then ${Date.now() + NOTICE_MS} else 0 end from repositories`,
    ])
  },
}

const STATEMENTS = [
  `alter table attempts add column log_bytes INT not null default 0`,
  `alter table repositories add column keep_logs text`,
  `alter table repositories add column keep_pipelines text`,
  `alter table pipelines add column logs_removed text`,
  `create index pipelines_rerun_of on pipelines (rerun_of) where rerun_of is not null`,
  `create index commit_events_by_repository on commit_events (repository_id, received_at)`,
  `create index deliveries_by_repository on deliveries (repository_id, received_at)`,
  `create index deliveries_by_event on deliveries (event_id)`,
  `create index jobs_by_repository on jobs (repository_id)`,
  `create index group_members_by_pipeline on group_members (pipeline_id)`,
  // The numbers used under a name, after its repository was removed.
  `create table used_numbers (name_key text primary key, last_number INT not null)`,
  // For the error about a pipeline or job that was removed.
  `create table removed_items (id text primary key, at INT not null, rule text not null)`,
  `create index removed_items_oldest on removed_items (at, id)`,
  `create table retention (id INT primary key check (id = 1), begins_at INT not null)`,
]
