import { sql } from 'kysely'
import type { RepositoryId } from '../../../core/ids.ts'
import type { Db } from '../tables.ts'

export async function noteClosed(
  db: Db,
  closed: { repositoryId: RepositoryId; ref: string; at: number },
): Promise<void> {
  await db
    .updateTable('commit_events')
    .set({ closed_at: closed.at })
    .where('repository_id', '=', closed.repositoryId)
    .where('ref', '=', closed.ref)
    // Written out, for a partial index is not used with a value that comes later.
    .where('kind', '=', sql.lit('pull_request'))
    .execute()
}
