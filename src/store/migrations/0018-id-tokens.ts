import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** The keys that sign id tokens, and the repository ids in their subjects. */
export const idTokens: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `create table id_token_keys (
    kid text primary key,
    public_key text not null,
    private_key text not null,
    created_at INT not null,
    signs_at INT not null,
    leaves_at INT
  )`,
  `create table id_token_subjects (
    repository_id text primary key,
    ids text not null
  )`,
]
