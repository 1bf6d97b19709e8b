import type { Doer } from '../../core/audit/audit.ts'
import { appendAudit } from '../sql/audit/audit-append.ts'
import { newEntry } from '../sql/audit/audit-entry.ts'
import { openSqlite } from './open-sqlite.ts'

/**
 * Writes down in a database, which may be in use, that a copy was made of it. One that a former version
 * has made, and that has no audit log yet, stays as it is.
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
