import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** The secrets of jobs, of all repositories or of one, and the approval of what a fork brought. */
export const secrets: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `create table secrets (
    scope text not null,
    name text not null,
    value text not null,
    created_at INT not null,
    updated_at INT not null,
    updated_by text,
    primary key (scope, name)
  )`,
  `alter table pipelines add column approval text`,
]
