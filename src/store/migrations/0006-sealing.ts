import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** The sealing key; one row as soon as anything was sealed. */
export const sealing: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `create table sealing (id INT primary key, key_id text not null)`,
  `update repositories set webhook_secret = '' where removed_at is not null`,
]
