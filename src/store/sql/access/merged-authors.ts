import type { RepositoryId } from '../../../core/ids.ts'
import { batches } from '../rows.ts'
import type { Db } from '../tables.ts'

export async function findMerged(
  db: Db,
  repositoryId: RepositoryId,
  accounts: readonly number[],
): Promise<Set<number>> {
  const found = new Set<number>()
  for (const batch of batches(accounts)) {
    const rows = await db
      .selectFrom('merged_authors')
      .select('actor_id')
      .where('repository_id', '=', repositoryId)
      .where('actor_id', 'in', batch)
      .execute()
    for (const { actor_id } of rows) found.add(Number(actor_id))
  }
  return found
}

export async function noteMerged(
  db: Db,
  merged: { repositoryId: RepositoryId; actorId: number; at: number },
): Promise<void> {
  const { repositoryId, actorId, at } = merged
  await db
    .insertInto('merged_authors')
    .values({ repository_id: repositoryId, actor_id: actorId, merged_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
