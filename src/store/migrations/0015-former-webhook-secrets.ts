import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** A webhook secret that is being replaced stays valid for a while. */
export const formerWebhookSecrets: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `alter table repositories add column former_secret text`,
  `alter table repositories add column former_ends_at INT`,
]
