import { NarwhalError } from '../../lib/errors.ts'
import type { TokenRecord } from '../records.ts'
import type { Db, TokenRow } from './tables.ts'

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
  const { id, userId, name, hash, createdAt } = token
  const inserted = await db
    .insertInto('tokens')
    .values({ id, user_id: userId, name, hash, created_at: createdAt })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  if (inserted) return
  const there = await db
    .selectFrom('tokens')
    .select('id')
    .where('hash', '=', hash)
    .executeTakeFirst()
  if (there?.id === id) return // The same call, repeated.
  throw new NarwhalError('conflict', `the token ${id} is there already`)
}

export async function removeToken(db: Db, id: TokenRecord['id']): Promise<void> {
  await db.deleteFrom('tokens').where('id', '=', id).execute()
}

function tokenOf(row: TokenRow): TokenRecord {
  return {
    id: row.id as TokenRecord['id'],
    userId: row.user_id as TokenRecord['userId'],
    name: row.name,
    hash: row.hash,
    createdAt: row.created_at,
  }
}
