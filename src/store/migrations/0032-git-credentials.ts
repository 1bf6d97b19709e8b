import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** With what git shows itself to a repository's server. */
export const gitCredentials: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  // Sealed JSON of GitCredentials; null: none.
  `alter table repositories add column git_credentials text`,
  // The public half of its deploy key, in OpenSSH's form.
  `alter table repositories add column deploy_key text`,
]
