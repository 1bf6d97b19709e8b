import type { RepositoryId } from '../../../core/ids.ts'
import type { ForgeAccount } from '../../../core/stranger/update-bot.ts'
import type { AccountReader, AccountWriter } from '../../ports/accounts.ts'
import type { SeenAccount } from '../../records.ts'
import { batches } from '../rows.ts'
import type { Db } from '../tables.ts'
import { findMerged, noteMerged } from './merged-authors.ts'

export function accountReader(db: Db): AccountReader {
  return {
    list: (repositoryId) => listAccounts(db, repositoryId),
    findMerged: (repositoryId, accounts) => findMerged(db, repositoryId, accounts),
  }
}

export function accountWriter(db: Db): AccountWriter {
  return {
    ...accountReader(db),
    note: (seen) => noteAccount(db, seen),
    noteMerged: (merged) => noteMerged(db, merged),
  }
}

/** Far more than push to one repository. */
const MAX_LISTED = 200

async function listAccounts(db: Db, repositoryId: RepositoryId): Promise<SeenAccount[]> {
  const rows = await db
    .selectFrom('forge_accounts')
    .selectAll()
    .where('repository_id', '=', repositoryId)
    .orderBy('seen_at', 'desc')
    .limit(MAX_LISTED)
    .execute()
  return rows.map((row) => ({
    id: Number(row.account_id),
    name: row.name,
    listedName: row.listed_name,
    isBot: row.is_bot === 1,
    seenAt: row.seen_at,
  }))
}

async function noteAccount(
  db: Db,
  { repositoryId, account, at }: { repositoryId: RepositoryId; account: ForgeAccount; at: number },
): Promise<void> {
  const { id, name, isBot } = account
  await db
    .insertInto('forge_accounts')
    .values({
      repository_id: repositoryId,
      account_id: id,
      name,
      listed_name: name,
      is_bot: isBot ? 1 : 0,
      seen_at: at,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['repository_id', 'account_id'])
        .doUpdateSet({ name, is_bot: isBot ? 1 : 0, seen_at: at }),
    )
    .execute()
}

/** Marks accounts as listed from now on, under their current names. */
export async function noteListed(
  db: Db,
  repositoryId: RepositoryId,
  accounts: readonly number[],
): Promise<void> {
  for (const batch of batches(accounts)) {
    await db
      .updateTable('forge_accounts')
      .set((is) => ({ listed_name: is.ref('name') }))
      .where('repository_id', '=', repositoryId)
      .where('account_id', 'in', batch)
      .execute()
  }
}
