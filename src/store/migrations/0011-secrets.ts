import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Secrets, global or of a repository, and the approval of pipelines from forks. */
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
