import type { AuditHead, ChainedEntry } from '../../../contract/rest/audit-chain.ts'
import type { Facts } from '../../../core/audit/audit.ts'
import { present } from '../../../lib/present.ts'
import type { AuditPage, AuditQuery } from '../../ports/audit.ts'
import type { AuditRow, Db } from '../tables.ts'

/** So many entries are looked at in one go, and so many goes one page takes at most. */
const AT_A_TIME = 500
const MOST_GOES = 10

export async function auditHead(db: Db): Promise<AuditHead> {
  const row = await db.selectFrom('audit_head').selectAll().executeTakeFirstOrThrow()
  const { last, hash, removed, removed_hash: removedHash } = row
  return { last, hash, removed, removedHash }
}

/** Ascending, from behind an entry on. */
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
 * Newest first. One index is walked, that of the filter which leaves the fewest; what it finds is looked
 * through for the other filters here, a bounded number of entries, so that no question holds the
 * database for long. So a page may have fewer entries than there could be, and still go on.
 */
export async function listAudit(db: Db, query: AuditQuery): Promise<AuditPage> {
  const entries: ChainedEntry[] = []
  let before = query.before
  for (let goes = 0; goes < MOST_GOES; goes++) {
    const limit = hasMore(query) ? AT_A_TIME : query.limit + 1
    const rows = await walk(db, { ...query, ...present({ before }), limit })
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

/** Whether there is a filter besides the one that is walked by. */
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

async function walk(db: Db, query: AuditQuery): Promise<AuditRow[]> {
  const { secret, subject, actor, action, limit } = query
  if (secret !== undefined) return await walkSecret(db, { ...query, secret })
  let rows = db.selectFrom('audit').selectAll()
  // An id is never a name: names have no underscore behind a word of the API and then only letters.
  if (subject !== undefined)
    rows = rows.where(isId(subject) ? 'subject_id' : 'subject_name', '=', subject)
  else if (actor !== undefined) rows = rows.where('actor_name', '=', actor)
  else if (action !== undefined) rows = rows.where('action', '=', action)
  const { since, until, before } = query
  if (since !== undefined) rows = rows.where('at', '>=', since)
  if (until !== undefined) rows = rows.where('at', '<', until)
  if (before) {
    rows = rows.where('at', '<=', before.at)
    rows = rows.where((is) =>
      is.or([
        is('at', '<', before.at),
        is.and([is('at', '=', before.at), is('seq', '<', before.seq)]),
      ]),
    )
  }
  return await rows.orderBy('at', 'desc').orderBy('seq', 'desc').limit(limit).execute()
}

async function walkSecret(
  db: Db,
  { secret, since, until, before, limit }: AuditQuery & { secret: string },
): Promise<AuditRow[]> {
  let found = db.selectFrom('audit_secrets').select('seq').where('name', '=', secret)
  if (since !== undefined) found = found.where('at', '>=', since)
  if (until !== undefined) found = found.where('at', '<', until)
  if (before) {
    found = found.where('at', '<=', before.at)
    found = found.where((is) =>
      is.or([
        is('at', '<', before.at),
        is.and([is('at', '=', before.at), is('seq', '<', before.seq)]),
      ]),
    )
  }
  const seqs = await found.orderBy('at', 'desc').orderBy('seq', 'desc').limit(limit).execute()
  if (seqs.length === 0) return []
  const rows = await db
    .selectFrom('audit')
    .selectAll()
    .where(
      'seq',
      'in',
      seqs.map(({ seq }) => seq),
    )
    .execute()
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
    ...present({ before: factsIn(row.facts_before), after: factsIn(row.facts_after) }),
    hash,
  }
}

function factsIn(json: string | null): Facts | null {
  return json === null ? null : (JSON.parse(json) as Facts)
}
