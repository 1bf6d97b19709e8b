import type { Migration } from 'kysely/migration'
import { runStatements } from './run-statements.ts'

/** The audit log: a chain of entries, its head, and an index by secret. */
export const audit: Migration = {
  async up(db) {
    await runStatements(db, STATEMENTS)
  },
}

const STATEMENTS = [
  `create table audit (
    seq INT primary key,
    at INT not null,
    actor_kind text not null,
    actor_id text not null,
    actor_name text not null,
    address text not null,
    cause text not null,
    action text not null,
    subject_kind text not null,
    subject_id text not null,
    subject_name text not null,
    facts_before text,
    facts_after text,
    hash text not null
  )`,
  `create index audit_by_time on audit (at, seq)`,
  `create index audit_by_actor on audit (actor_name, at, seq)`,
  `create index audit_by_action on audit (action, at, seq)`,
  `create index audit_by_subject on audit (subject_id, at, seq)`,
  `create index audit_by_subject_name on audit (subject_name, at, seq)`,
  `create table audit_secrets (
    name text not null,
    at INT not null,
    seq INT not null,
    primary key (name, at, seq)
  )`,
  `create index audit_secrets_by_entry on audit_secrets (seq)`,
  `create table audit_head (
    id INT primary key,
    last INT not null,
    hash text not null,
    removed INT not null,
    removed_hash text not null
  )`,
  `insert into audit_head (id, last, hash, removed, removed_hash) values (1, 0, '', 0, '')`,
]
