import { isEnough, type Role } from '../../../core/access/role.ts'
import type { RepositoryId } from '../../../core/ids.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import type { TokenReader, TokenWriter } from '../../ports/tokens.ts'
import type { Asker, TokenRecord } from '../../records.ts'
import { jsonOf, parsed } from '../rows.ts'
import type { Db } from '../tables.ts'
import type { TokenRow } from './access-tables.ts'
import { userOf } from './user-of.ts'

export function tokenReader(db: Db): TokenReader {
  return {
    find: (hash) => findToken(db, hash),
    findUser: (hash) => findUserByToken(db, hash),
    list: () => listTokens(db),
  }
}

export function tokenWriter(db: Db): TokenWriter {
  return {
    ...tokenReader(db),
    insert: (token) => insertToken(db, token),
    remove: (id) => removeToken(db, id),
    noteUse: (use) => noteTokenUse(db, use),
  }
}

async function listTokens(db: Db): Promise<TokenRecord[]> {
  const rows = await db
    .selectFrom('tokens')
    .selectAll()
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(tokenOf)
}

async function insertToken(db: Db, token: TokenRecord): Promise<void> {
  const { id, userId, name, hash, createdAt, endsAt = null, limits } = token
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
      repositories: jsonOf(limits?.repositories),
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
  throw new NarwhalError('conflict', `the token ${id} already exists`)
}

async function findToken(db: Db, hash: string): Promise<TokenRecord | undefined> {
  const row = await db.selectFrom('tokens').selectAll().where('hash', '=', hash).executeTakeFirst()
  return row && tokenOf(row)
}

async function findUserByToken(db: Db, hash: string): Promise<Asker | undefined> {
  const row = await db
    .selectFrom('tokens')
    .innerJoin('users', 'users.id', 'tokens.user_id')
    .selectAll('users')
    .select(['tokens.role as token_role', 'tokens.repositories'])
    .where('tokens.hash', '=', hash)
    .where((is) => is.or([is('ends_at', 'is', null), is('ends_at', '>', Date.now())]))
    .executeTakeFirst()
  if (!row) return undefined
  const user = userOf(row)
  const { limits } = limitsOf({ role: row.token_role, repositories: row.repositories })
  if (!limits) return user
  const role = limits.role && isEnough(user.role, limits.role) ? limits.role : user.role
  return { ...user, role, limits }
}

async function noteTokenUse(
  db: Db,
  { hash, at, from }: { hash: string; at: number; from: string },
): Promise<void> {
  await db
    .updateTable('tokens')
    .set({ used_at: at, used_from: from })
    .where('hash', '=', hash)
    .execute()
}

async function removeToken(db: Db, id: TokenRecord['id']): Promise<void> {
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

function limitsOf({
  role,
  repositories,
}: Pick<TokenRow, 'role' | 'repositories'>): Pick<TokenRecord, 'limits'> {
  if (role === null && repositories === null) return {}
  const ids = parsed(repositories) as RepositoryId[] | null
  return { limits: present({ role: role as Role | null, repositories: ids }) }
}
