import { NarwhalError } from '../../lib/errors.ts'
import type { TokenRecord } from '../records.ts'
import type { Db, TokenRow } from './tables.ts'

export async function findToken(db: Db, hash: string): Promise<TokenRecord | undefined> {
  const row = await db.selectFrom('tokens').selectAll().where('hash', '=', hash).executeTakeFirst()
  return row && tokenOf(row)
}

export async function listTokens(db: Db): Promise<TokenRecord[]> {
  const rows = await db
    .selectFrom('tokens')
    .selectAll()
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(tokenOf)
}

export async function insertToken(db: Db, token: TokenRecord): Promise<void> {
  const { id, name, hash, createdAt } = token
  const inserted = await db
    .insertInto('tokens')
    .values({ id, name, hash, created_at: createdAt })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  if (inserted || (await findToken(db, hash))?.id === id) return
  throw new NarwhalError('conflict', `the token ${id} is there already`)
}

export async function removeToken(db: Db, id: TokenRecord['id']): Promise<void> {
  await db.deleteFrom('tokens').where('id', '=', id).execute()
}

function tokenOf(row: TokenRow): TokenRecord {
  return {
    id: row.id as TokenRecord['id'],
    name: row.name,
    hash: row.hash,
    createdAt: row.created_at,
  }
}
