import { forgePathOf } from '../../core/forge-path.ts'
import type { Forge } from '../../core/forges.ts'
import type { RepositoryId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { RepositoryChange } from '../records.ts'
import { lastNumberOf, noteUsedNumber } from './removal/repository-sweep.ts'
import type { RepositoryRow } from './repository-row.ts'
import type { Db } from './tables.ts'
import { nameKey } from './text.ts'

/** See `RepositoryWriter.change`. */
export async function changeRepository(
  db: Db,
  id: RepositoryId,
  change: RepositoryChange,
): Promise<void> {
  const row = await db
    .selectFrom('repositories')
    .selectAll()
    .where('id', '=', id)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  if (!row) throw new NarwhalError('not_found', `there is no repository "${id}"`)
  const { isAnother = false } = change
  const { name = row.name, forge = row.forge, cloneUrl = row.clone_url } = change
  const lastNumber = await moveNumbers(db, row, name)
  await db
    .updateTable('repositories')
    .set({
      name,
      name_key: nameKey(name),
      last_number: lastNumber,
      forge,
      clone_url: cloneUrl,
      path_key: nameKey(forgePathOf({ forge: forge as Forge, cloneUrl, name })),
      // The clone URL is where it is now.
      ...(change.cloneUrl === undefined ? {} : { moved_to: null }),
      ...(isAnother ? { forge_id: null, forge_owner_id: null } : {}),
      ...present({ poll_interval_ms: change.pollIntervalMs }),
      ...(change.gitCredentials === undefined ? {} : { git_credentials: change.gitCredentials }),
      ...(change.deployKey === undefined ? {} : { deploy_key: change.deployKey }),
    })
    .where('id', '=', id)
    .execute()
  if (!isAnother) return
  await db.deleteFrom('merged_authors').where('repository_id', '=', id).execute()
  await db.deleteFrom('forge_accounts').where('repository_id', '=', id).execute()
}

/** Returns the last number of the repository under its new name, which must be free. */
async function moveNumbers(db: Db, row: RepositoryRow, name: string): Promise<number> {
  const key = nameKey(name)
  if (key === row.name_key) return row.last_number
  const others = await db
    .selectFrom('repositories')
    .select(['id', 'name', 'removed_at'])
    .where('name_key', '=', key)
    .execute()
  const taken = others.find(({ removed_at: at }) => at === null)
  if (taken) {
    const words = `a repository named "${taken.name}" is already registered`
    throw new NarwhalError('conflict', words)
  }
  const last = await lastNumberOf(db, key)
  for (const other of others) {
    // Its pipelines can still be read, and have numbers that this one may have, too.
    const apart = `${other.name} (removed)`
    await db
      .updateTable('repositories')
      .set({ name: apart, name_key: nameKey(apart) })
      .where('id', '=', other.id)
      .execute()
  }
  await noteUsedNumber(db, row.name_key, row.last_number)
  return Math.max(row.last_number, last)
}
