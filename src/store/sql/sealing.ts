import type { Db } from './tables.ts'

const ONLY_ROW = 1

export async function findSealingKey(db: Db): Promise<string | undefined> {
  const row = await db.selectFrom('sealing').select('key_id').executeTakeFirst()
  return row?.key_id
}

export async function claimSealingKey(db: Db, unlessThereIsOne: string): Promise<string> {
  await db
    .insertInto('sealing')
    .values({ id: ONLY_ROW, key_id: unlessThereIsOne })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  // The update holds the row until the transaction ends, and waits for whoever holds it: what it
  // returns is the newest, where a read could bring what another transaction is about to replace.
  const row = await db
    .updateTable('sealing')
    .set((is) => ({ key_id: is.ref('key_id') }))
    .where('id', '=', ONLY_ROW)
    .returning('key_id')
    .executeTakeFirstOrThrow()
  return row.key_id
}
