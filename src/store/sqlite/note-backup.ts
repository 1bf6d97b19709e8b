import type { Doer } from '../../core/audit/audit.ts'
import { appendAudit } from '../sql/audit/audit-append.ts'
import { newEntry } from '../sql/audit/audit-entry.ts'
import { openSqlite } from './open-sqlite.ts'

/**
 * Adds an audit entry to a database, which may be in use, that it was backed up. One of an earlier
 * version without an audit log is left unchanged.
 */
export async function noteBackup(path: string, by: Doer): Promise<void> {
  await using engine = await openSqlite(path)
  const tables = await engine.writing.introspection.getTables()
  if (!tables.some(({ name }) => name === 'audit_head')) return
  const subject = { id: 'database', name: 'database' }
  await engine.writing.transaction().execute(async (transaction) => {
    await appendAudit(transaction, [newEntry(by, { action: 'backup.made', subject }, Date.now())])
  })
}
