import { sql } from 'kysely'
import { type AuditEntry, auditText, chainHash } from '../../../contract/rest/audit-chain.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { hotQuery } from '../hot-query.ts'
import { isPostgres, jsonOf } from '../rows.ts'
import type { AuditRow, Db } from '../tables.ts'

/** An entry and the names of the secrets it is indexed by. */
export interface NewAuditEntry {
  readonly entry: AuditEntry
  readonly secrets: readonly string[]
}

/**
 * Appends entries to the chain. The head's row stays locked until the transaction ends, so this is one
 * of a transaction's last steps; only state changes are numbered later, under a lock that is always
 * taken after this one.
 */
export async function appendAudit(db: Db, entries: readonly NewAuditEntry[]): Promise<void> {
  for (const one of entries) await (isPostgres(db) ? appendAtOnce : appendBySteps)(db, one)
}

type Columns = Omit<AuditRow, 'seq' | 'hash'>

function columnsOf({ at, actor, address, cause, action, subject, before, after }: AuditEntry) {
  return {
    at,
    actor_kind: actor.kind,
    actor_id: actor.id,
    actor_name: actor.name,
    address,
    cause,
    action,
    subject_kind: subject.kind,
    subject_id: subject.id,
    subject_name: subject.name,
    facts_before: jsonOf(before),
    facts_after: jsonOf(after),
  } satisfies Columns
}

/** One statement, one round trip: the server computes the hash as `chainHash` does. */
async function appendAtOnce(db: Db, { entry, secrets }: NewAuditEntry): Promise<void> {
  const row = { ...columnsOf(entry), text: auditText(entry), secrets: [...secrets] }
  const { rows } = await insertAtOnce(db, row)
  if (rows.length !== 1) throw new NarwhalError('internal', 'the audit log has lost its head')
}

type AtOnce = Columns & { readonly text: string; readonly secrets: string[] }

const insertAtOnce = hotQuery<AtOnce, { seq: number }>((db, row) => ({
  compile: () =>
    sql<{ seq: number }>`
      with head as (
        update audit_head set last = last + 1, hash = encode(sha256(convert_to(
          hash || chr(10) || (last + 1)::text || chr(10) || ${row.text}::text, 'UTF8')), 'hex')
        where id = 1 returning last, hash
      ), entry as (
        insert into audit (seq, at, actor_kind, actor_id, actor_name, address, cause, action,
          subject_kind, subject_id, subject_name, facts_before, facts_after, hash)
        select last, ${row.at}::bigint, ${row.actor_kind}::text, ${row.actor_id}::text,
          ${row.actor_name}::text, ${row.address}::text, ${row.cause}::text, ${row.action}::text,
          ${row.subject_kind}::text, ${row.subject_id}::text, ${row.subject_name}::text,
          ${row.facts_before}::text, ${row.facts_after}::text, hash
        from head returning seq, at
      ), names as (
        insert into audit_secrets (name, at, seq)
        select distinct name, at, seq from entry, unnest(${row.secrets}::text[]) as name
      )
      select seq from entry`.compile(db),
}))

/** SQLite has no SHA-256 function, and no round trips to save. */
async function appendBySteps(db: Db, { entry, secrets }: NewAuditEntry): Promise<void> {
  const head = await db
    .updateTable('audit_head')
    .set((is) => ({ last: is('last', '+', 1) }))
    .returning(['last', 'hash'])
    .executeTakeFirstOrThrow()
  const hash = chainHash(head.hash, head.last, auditText(entry))
  await db.updateTable('audit_head').set({ hash }).execute()
  await db
    .insertInto('audit')
    .values({ ...columnsOf(entry), seq: head.last, hash })
    .execute()
  for (const name of new Set(secrets)) {
    await db.insertInto('audit_secrets').values({ name, at: entry.at, seq: head.last }).execute()
  }
}
