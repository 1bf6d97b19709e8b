import type { PrunedAudit } from '../../ports/audit.ts'
import type { Db } from '../tables.ts'

/**
 * Removes the oldest entries, up to the first that is not old enough, and records where the chain
 * begins from then on.
 */
export async function pruneAudit(
  db: Db,
  { before, limit }: { before: number; limit: number },
): Promise<PrunedAudit | undefined> {
  // Changes nothing, but locks the head against concurrent pruning.
  const { removed } = await db
    .updateTable('audit_head')
    .set((is) => ({ removed: is.ref('removed') }))
    .returning('removed')
    .executeTakeFirstOrThrow()
  const oldest = await db
    .selectFrom('audit')
    .select(['seq', 'at', 'hash'])
    .where('seq', '>', removed)
    .orderBy('seq')
    .limit(limit)
    .execute()
  const young = oldest.findIndex(({ at }) => at >= before)
  const last = (young < 0 ? oldest : oldest.slice(0, young)).at(-1)
  if (!last) return undefined
  await db.deleteFrom('audit_secrets').where('seq', '<=', last.seq).execute()
  await db.deleteFrom('audit').where('seq', '<=', last.seq).execute()
  await db.updateTable('audit_head').set({ removed: last.seq, removed_hash: last.hash }).execute()
  const rows = young < 0 ? oldest.length : young
  return { rows, through: last.seq, hash: last.hash }
}
