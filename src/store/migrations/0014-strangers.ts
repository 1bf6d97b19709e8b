import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/**
 * Rules for strangers: whose commits wait for approval, whose pull requests were merged, which runners
 * take strangers' jobs, what is waiting, and what the target branch's file requires.
 */
export const strangers: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  // Null: the default, also for repositories registered earlier.
  `alter table repositories add column approval text`,
  `alter table repositories add column stranger_accounts text`,
  `create table merged_authors (
    repository_id text not null references repositories (id),
    actor_id INT not null,
    merged_at INT not null,
    primary key (repository_id, actor_id)
  )`,
  `alter table runners add column stranger_engines text`,
  `alter table group_members add column member_limit INT`,
  `alter table pipelines add column approval_since INT`,
  `alter table pipelines add column target text`,
  `create index pipelines_awaiting on pipelines (approval_since) where approval_since is not null`,
]
