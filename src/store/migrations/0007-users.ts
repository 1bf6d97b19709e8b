import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/**
 * Access tokens belong to users, and reruns record who started them. Existing tokens had all
 * permissions: they become those of one administrator.
 */
export const users: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `create table users (
    id text primary key,
    name text not null,
    name_key text not null unique,
    role text not null,
    created_at INT not null
  )`,
  `alter table tokens add column user_id text references users (id)`,
  `insert into users (id, name, name_key, role, created_at)
    select 'user_first', 'admin', 'admin', 'admin', min(created_at) from tokens
    having count(*) > 0`,
  `update tokens set user_id = 'user_first'`,
  `create index tokens_user on tokens (user_id)`,
  `alter table pipelines add column started_by text`,
  `alter table attempts add column asked_by text`,
]
