import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Several dispatchers, each with its own pipelines; runners that attach themselves. */
export const leases: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `create table dispatchers (
    id text primary key,
    url text,
    beats INT not null,
    started_at INT not null
  )`,
  `alter table pipelines add column dispatcher_id text`,
  `alter table pipelines add column term INT not null default 0`,
  `create index pipelines_open on pipelines (dispatcher_id) where status <> 'finished'`,
  `alter table runners add column draining INT not null default 0`,
  `alter table runners add column failures INT not null default 0`,
  `alter table runners add column aside_reason text`,
  `alter table runners add column seen_by text`,
  `alter table runners add column identity_hash text`,
  `alter table runners add column allowed_labels text`,
  `create unique index runners_identity on runners (identity_hash)`,
  `create table join_tokens (
    id text primary key,
    hash text not null unique,
    labels text not null,
    created_at INT not null,
    expires_at INT not null,
    used_at INT,
    runner_id text
  )`,
]
