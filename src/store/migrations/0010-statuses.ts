import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Where commit statuses are sent, and the last one sent for each commit. */
export const statuses: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `create table forge_links (
    repository_id text primary key,
    forge text not null,
    api_url text not null,
    project text not null,
    token text not null,
    created_at INT not null
  )`,
  `create table told_statuses (
    repository_id text not null,
    sha text not null,
    context text not null,
    pipeline_id text not null,
    number INT not null,
    state text not null,
    error text,
    told_at INT not null,
    primary key (repository_id, sha, context)
  )`,
  `create index told_statuses_newest on told_statuses (repository_id, told_at)`,
]
