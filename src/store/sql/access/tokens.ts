import type { Role } from '../../../core/access/role.ts'
import type { RepositoryId } from '../../../core/ids.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import type { TokenRecord } from '../../records.ts'
import type { Db } from '../tables.ts'
import type { TokenRow } from './access-tables.ts'

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
  const { id, userId, name, hash, createdAt, endsAt = null, limits } = token
  const repositories = limits?.repositories ? JSON.stringify(limits.repositories) : null
  const inserted = await db
    .insertInto('tokens')
    .values({
      id,
      user_id: userId,
      name,
      hash,
      created_at: createdAt,
      ends_at: endsAt,
      role: limits?.role ?? null,
      repositories,
    })
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

export async function findToken(db: Db, hash: string): Promise<TokenRecord | undefined> {
  const row = await db.selectFrom('tokens').selectAll().where('hash', '=', hash).executeTakeFirst()
  return row && tokenOf(row)
}

export async function noteTokenUse(
  db: Db,
  { hash, at, from }: { hash: string; at: number; from: string },
): Promise<void> {
  await db
    .updateTable('tokens')
    .set({ used_at: at, used_from: from })
    .where('hash', '=', hash)
    .execute()
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
    ...present({ endsAt: row.ends_at, usedAt: row.used_at, usedFrom: row.used_from }),
    ...limitsOf(row),
  }
}

export function limitsOf({
  role,
  repositories,
}: Pick<TokenRow, 'role' | 'repositories'>): Pick<TokenRecord, 'limits'> {
  if (role === null && repositories === null) return {}
  const ids = repositories === null ? null : (JSON.parse(repositories) as RepositoryId[])
  return { limits: present({ role: role as Role | null, repositories: ids }) }
}
