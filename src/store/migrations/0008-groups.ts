import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Concurrency groups of jobs and pipelines. */
export const groups: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `alter table pipelines add column concurrency text`,
  `create table group_members (
    id text primary key,
    repository_id text not null references repositories (id),
    group_key text not null,
    pipeline_id text not null references pipelines (id),
    job_name text,
    position INT not null,
    state text not null,
    since INT not null
  )`,
  `create index group_members_by_group on group_members (repository_id, group_key)`,
]
