import { sql } from 'kysely'
import type { AuditHead, ChainedEntry } from '../../../contract/rest/audit-chain.ts'
import type { Facts } from '../../../core/audit/audit.ts'
import { present } from '../../../lib/present.ts'
import type { AuditPage, AuditQuery } from '../../ports/audit.ts'
import { parsed } from '../rows.ts'
import type { AuditRow, Db } from '../tables.ts'

/** Entries scanned by one query, and queries per page at most. */
const SCAN_ROWS = 500
const MAX_SCANS = 10

export async function auditHead(db: Db): Promise<AuditHead> {
  const row = await db.selectFrom('audit_head').selectAll().executeTakeFirstOrThrow()
  const { last, hash, removed, removed_hash: removedHash } = row
  return { last, hash, removed, removedHash }
}

/** Entries after this one, ascending. */
export async function readAudit(db: Db, after: number, limit: number): Promise<ChainedEntry[]> {
  const rows = await db
    .selectFrom('audit')
    .selectAll()
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(limit)
    .execute()
  return rows.map(entryOf)
}

/**
 * Newest first. Scans the index of the most selective filter and applies the other filters here, to a
 * bounded number of entries, so that no query occupies the database for long. A page may thus be short
 * and still have a next one.
 */
export async function listAudit(db: Db, query: AuditQuery): Promise<AuditPage> {
  const entries: ChainedEntry[] = []
  let before = query.before
  for (let scans = 0; scans < MAX_SCANS; scans++) {
    const limit = hasMore(query) ? SCAN_ROWS : query.limit + 1
    const rows = await scan(db, { ...query, ...present({ before }), limit })
    for (const [index, row] of rows.entries()) {
      const entry = entryOf(row)
      before = { at: entry.at, seq: entry.seq }
      if (fits(entry, query)) entries.push(entry)
      const isLast = index === rows.length - 1 && rows.length < limit
      if (entries.length === query.limit && !isLast) return { entries, next: before }
    }
    if (rows.length < limit) return { entries }
  }
  return before ? { entries, next: before } : { entries }
}

/** Whether there is a filter besides the one whose index is scanned. */
function hasMore({ secret, subject, actor, action }: AuditQuery): boolean {
  return [secret, subject, actor, action].filter((one) => one !== undefined).length > 1
}

function fits(entry: ChainedEntry, { subject, actor, action }: AuditQuery): boolean {
  if (subject !== undefined && entry.subject.id !== subject && entry.subject.name !== subject) {
    return false
  }
  if (actor !== undefined && entry.actor.name !== actor) return false
  return action === undefined || entry.action === action
}

async function scan(db: Db, query: AuditQuery): Promise<AuditRow[]> {
  const { secret, subject, actor, action, limit } = query
  if (secret !== undefined) return await scanSecret(db, { ...query, secret })
  let rows = db.selectFrom('audit').selectAll()
  // Names never look like ids, which are a prefix, an underscore and a random part.
  if (subject !== undefined)
    rows = rows.where(isId(subject) ? 'subject_id' : 'subject_name', '=', subject)
  else if (actor !== undefined) rows = rows.where('actor_name', '=', actor)
  else if (action !== undefined) rows = rows.where('action', '=', action)
  rows = rows.where(inRange(query))
  return await rows.orderBy('at', 'desc').orderBy('seq', 'desc').limit(limit).execute()
}

function inRange({ since = 0, until = Number.MAX_SAFE_INTEGER, before }: AuditQuery) {
  const { at, seq } = before ?? { at: until, seq: 0 }
  return sql<boolean>`at >= ${since} and at < ${until} and (at, seq) < (${at}, ${seq})`
}

async function scanSecret(db: Db, query: AuditQuery & { secret: string }): Promise<AuditRow[]> {
  const found = await db
    .selectFrom('audit_secrets')
    .select('seq')
    .where('name', '=', query.secret)
    .where(inRange(query))
    .orderBy('at', 'desc')
    .orderBy('seq', 'desc')
    .limit(query.limit)
    .execute()
  if (found.length === 0) return []
  const seqs = found.map(({ seq }) => seq)
  const rows = await db.selectFrom('audit').selectAll().where('seq', 'in', seqs).execute()
  return rows.toSorted((one, other) => other.at - one.at || other.seq - one.seq)
}

function isId(text: string): boolean {
  return /^[a-z]+_[0-9a-z]{10,}$/.test(text)
}

export function entryOf(row: AuditRow): ChainedEntry {
  const { seq, at, address, cause, hash } = row
  return {
    seq,
    at,
    actor: { kind: row.actor_kind, id: row.actor_id, name: row.actor_name },
    address,
    cause,
    action: row.action,
    subject: { kind: row.subject_kind, id: row.subject_id, name: row.subject_name },
    ...present({
      before: parsed(row.facts_before) as Facts | null,
      after: parsed(row.facts_after) as Facts | null,
    }),
    hash,
  }
}
