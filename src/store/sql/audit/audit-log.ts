import type { AuditReader, AuditWriter } from '../../ports/audit.ts'
import type { Db } from '../tables.ts'
import type { NewAuditEntry } from './audit-append.ts'
import { newEntry } from './audit-entry.ts'
import { pruneAudit } from './audit-prune.ts'
import { auditHead, listAudit, readAudit } from './audit-reads.ts'

export function auditReader(db: Db): AuditReader {
  return {
    list: (query) => listAudit(db, query),
    read: (after, limit) => readAudit(db, after, limit),
    head: () => auditHead(db),
  }
}

/** New entries are collected in `entries`, to be written at the transaction's end. */
export function auditWriter(db: Db, entries: NewAuditEntry[]): AuditWriter {
  const add: AuditWriter['add'] = (by, event) => {
    entries.push(newEntry(by, event, Date.now()))
  }
  return {
    ...auditReader(db),
    add,
    prune: async (by, which) => {
      const pruned = await pruneAudit(db, which)
      if (!pruned) return 0
      const after = { ...pruned, before: which.before }
      add(by, { action: 'audit.pruned', subject: { id: 'audit', name: 'audit' }, after })
      return pruned.rows
    },
  }
}
