import type { RepositoryId } from '../../core/ids.ts'
import { present } from '../../lib/present.ts'
import type { HeadReader, HeadWriter } from '../ports/repositories.ts'
import type { Head, RepositoryHead } from '../records.ts'
import { batches } from './rows.ts'
import type { Db, HeadRow } from './tables.ts'
import { textKey } from './text.ts'

export function headReader(db: Db): HeadReader {
  return {
    list: (repositoryId) => listHeads(db, repositoryId),
    find: async (repositoryId, ref) => {
      const row = await db
        .selectFrom('heads')
        .select(['sha', 'told_at as toldAt'])
        .where('repository_id', '=', repositoryId)
        .where('ref_key', '=', textKey(ref))
        .executeTakeFirst()
      return row && { sha: row.sha, ...present({ toldAt: row.toldAt }) }
    },
  }
}

export function headWriter(db: Db): HeadWriter {
  return {
    ...headReader(db),
    place: (heads) => setHeads(db, heads),
    forget: (repositoryId, refs) => forgetHeads(db, repositoryId, refs),
  }
}

export interface PlacedHead extends RepositoryHead {
  /** When a webhook told of it; absent: a poll did. */
  readonly toldAt?: number
}

async function listHeads(db: Db, repositoryId: RepositoryId): Promise<Head[]> {
  const rows = await db
    .selectFrom('heads')
    .select(['ref', 'sha'])
    .where('repository_id', '=', repositoryId)
    .execute()
  return rows.map(({ ref, sha }) => ({ ref, sha }))
}

export async function setHeads(db: Db, heads: readonly PlacedHead[]): Promise<void> {
  // One row per key, as PostgreSQL requires; in one order, to avoid deadlock.
  const rows = new Map<string, HeadRow>()
  for (const { repositoryId, ref, sha, toldAt = null } of heads) {
    const ref_key = textKey(ref)
    const row = { repository_id: repositoryId, ref_key, ref, sha, told_at: toldAt }
    rows.set(`${repositoryId} ${ref_key}`, row)
  }
  const sorted = [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
  for (const batch of batches(sorted)) {
    await db
      .insertInto('heads')
      .values(batch)
      .onConflict((conflict) =>
        conflict.columns(['repository_id', 'ref_key']).doUpdateSet((is) => ({
          sha: is.ref('excluded.sha'),
          told_at: is.ref('excluded.told_at'),
        })),
      )
      .execute()
  }
}

export async function forgetHeads(
  db: Db,
  repositoryId: RepositoryId,
  refs: readonly string[],
): Promise<void> {
  for (const batch of batches(refs)) {
    const keys = batch.map(textKey)
    await db
      .deleteFrom('heads')
      .where('repository_id', '=', repositoryId)
      .where('ref_key', 'in', keys)
      .execute()
  }
}
