import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** The names of bots that push to a repository, and of accounts that it lists. */
export const forgeAccounts: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `create table forge_accounts (
    repository_id text not null references repositories (id),
    account_id INT not null,
    name text not null,
    listed_name text not null,
    is_bot INT not null,
    seen_at INT not null,
    primary key (repository_id, account_id)
  )`,
]
