import type { Doer } from '../../core/audit/audit.ts'
import { appendAudit } from './audit/audit-append.ts'
import { newEntry } from './audit/audit-entry.ts'
import { auditHead } from './audit/audit-reads.ts'
import type { Db } from './tables.ts'

/** How far counters of a restored database leap: more than were issued since its backup. */
export const LEAP = 2 ** 20
/** Pipeline numbers are read by people, and a repository has fewer pipelines between two backups. */
export const NUMBERS = 1_000

/**
 * Makes a database safe to use that was set back in time. Fences, terms and numbers issued between the
 * backup and the restore are unknown to it and must never be issued again. So every job's fence, every
 * pipeline's term, the numbers of pipelines and that of the last state change leap ahead, in one
 * transaction, and all seats end. State changes are deleted, so that clients that have seen later ones
 * reload everything. All browsers are signed out. The restore is recorded in the audit log.
 */
export async function leapAhead(db: Db, by: Doer): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await transaction.deleteFrom('dispatchers').execute()
    // A browser that has signed out since then stays signed out.
    await transaction.deleteFrom('sessions').execute()
    await transaction.deleteFrom('sign_in_links').execute()
    await transaction
      .updateTable('jobs')
      .set((is) => ({ fence: is('fence', '+', LEAP) }))
      .execute()
    await transaction
      .updateTable('pipelines')
      .set((is) => ({ term: is('term', '+', LEAP) }))
      .execute()
    await transaction
      .updateTable('repositories')
      .set((is) => ({ last_number: is('last_number', '+', NUMBERS) }))
      .execute()
    await transaction
      .updateTable('used_numbers')
      .set((is) => ({ last_number: is('last_number', '+', NUMBERS) }))
      .execute()
    await transaction.deleteFrom('state_changes').execute()
    await transaction
      .updateTable('change_counter')
      .set((is) => ({ last: is('last', '+', LEAP) }))
      .execute()
    const { last: lastEntry } = await auditHead(transaction)
    const subject = { id: 'database', name: 'database' }
    const event = { action: 'backup.restored', subject, after: { lastEntry } } as const
    await appendAudit(transaction, [newEntry(by, event, Date.now())])
  })
}
