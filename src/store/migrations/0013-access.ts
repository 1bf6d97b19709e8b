import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/**
 * Server-side sessions, one-time sign-in links, access tokens that expire and record their last use,
 * and join tokens for several runners. Existing access tokens don't expire; a join token that was used
 * has no uses left.
 */
export const access: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `create table sessions (
    hash text primary key,
    user_id text not null references users (id),
    created_at INT not null,
    seen_at INT not null,
    ends_at INT not null
  )`,
  `create index sessions_user on sessions (user_id)`,
  `create table sign_in_links (
    user_id text primary key references users (id),
    hash text not null unique,
    ends_at INT not null
  )`,
  `alter table tokens add column ends_at INT`,
  `alter table tokens add column used_at INT`,
  `alter table tokens add column used_from text`,
  `alter table join_tokens add column uses INT not null default 1`,
  `alter table join_tokens add column used INT not null default 0`,
  `update join_tokens set used = 1 where used_at is not null`,
]
