import type { Doer } from '../../core/audit/audit.ts'
import { appendAudit } from './audit/audit-append.ts'
import { newEntry } from './audit/audit-entry.ts'
import { auditHead } from './audit/audit-reads.ts'
import type { Db } from './tables.ts'

/** How far a restored database leaps: more than was ever given out since its backup. */
export const LEAP = 2 ** 20
/** The numbers of pipelines are read by people: of a repository no more come between two backups. */
export const NUMBERS = 1_000

/**
 * Makes a database safe to go on with that was set back in time. Between the backup and the restore
 * tokens were given out that the database knows nothing of; whoever holds one of them must never be
 * taken for its next owner. So every job's fence, the numbers of pipelines, every pipeline's term and the number of the last
 * state change leap ahead, and no dispatcher has a seat. What has changed before the leap is
 * forgotten, so that whoever has seen later changes than there are now looks at everything anew.
 * Nobody is signed in by a browser any more.
 * That it was set back is written down in the audit log. Nothing else is touched. Runs in one
 * transaction.
 */
export async function leapAhead(db: Db, by: Doer): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await transaction.deleteFrom('dispatchers').execute()
    // Whoever has signed out since then stays so.
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
