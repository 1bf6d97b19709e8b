import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** Deliveries whose commit is looked up at the git server, what deliveries were about, and refused ones. */
export const lookups: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  // JSON of DeliverySubject
  `alter table deliveries add column subject text`,
  `create table lookups (
    forge text not null,
    delivery_id text not null,
    repository_id text not null references repositories (id),
    events text not null,
    lookup text not null,
    received_at INT not null,
    due_at INT not null,
    looks INT not null,
    failures INT not null,
    primary key (forge, delivery_id)
  )`,
  `create index lookups_due on lookups (due_at)`,
  `create index lookups_by_repository on lookups (repository_id)`,
  `create table refused_deliveries (
    repository_id text not null references repositories (id),
    refusal text not null,
    event text,
    message text not null,
    count INT not null,
    first_at INT not null,
    last_at INT not null,
    primary key (repository_id, refusal)
  )`,
]
