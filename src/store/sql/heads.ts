import type { RepositoryId } from '../../core/ids.ts'
import type { HeadReader, HeadWriter } from '../ports/repositories.ts'
import type { Head, RepositoryHead } from '../records.ts'
import { batches } from './rows.ts'
import type { Db, HeadRow } from './tables.ts'
import { textKey } from './text.ts'

export function headReader(db: Db): HeadReader {
  return { list: (repositoryId) => listHeads(db, repositoryId) }
}

export function headWriter(db: Db): HeadWriter {
  return {
    ...headReader(db),
    set: (heads) => setHeads(db, heads),
    forget: (repositoryId, refs) => forgetHeads(db, repositoryId, refs),
  }
}

async function listHeads(db: Db, repositoryId: RepositoryId): Promise<Head[]> {
  const rows = await db
    .selectFrom('heads')
    .select(['ref', 'sha'])
    .where('repository_id', '=', repositoryId)
    .execute()
  return rows.map(({ ref, sha }) => ({ ref, sha }))
}

export async function setHeads(db: Db, heads: readonly RepositoryHead[]): Promise<void> {
  // One row per key, as PostgreSQL requires; in one order, to avoid deadlock.
  const rows = new Map<string, HeadRow>()
  for (const { repositoryId, ref, sha } of heads) {
    const ref_key = textKey(ref)
    rows.set(`${repositoryId} ${ref_key}`, { repository_id: repositoryId, ref_key, ref, sha })
  }
  const sorted = [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
  for (const batch of batches(sorted)) {
    await db
      .insertInto('heads')
      .values(batch)
      .onConflict((conflict) =>
        conflict
          .columns(['repository_id', 'ref_key'])
          .doUpdateSet((is) => ({ sha: is.ref('excluded.sha') })),
      )
      .execute()
  }
}

async function forgetHeads(
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
