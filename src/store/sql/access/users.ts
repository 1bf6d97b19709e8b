import type { Role } from '../../../core/access/role.ts'
import type { UserId } from '../../../core/ids.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import type { UserReader, UserWriter } from '../../ports/users.ts'
import type { UserRecord } from '../../records.ts'
import { isPostgres } from '../rows.ts'
import type { Db } from '../tables.ts'
import { nameKey } from '../text.ts'
import { removeSessionsOf } from './sessions.ts'
import { userOf } from './user-of.ts'

export function userReader(db: Db): UserReader {
  return {
    find: (idOrName) => findUser(db, idOrName),
    list: () => listUsers(db),
  }
}

export function userWriter(db: Db): UserWriter {
  return {
    ...userReader(db),
    insert: (user) => insertUser(db, user),
    setRole: (id, role) => setRole(db, id, role),
    remove: (id) => removeUser(db, id),
  }
}

async function findUser(db: Db, idOrName: string): Promise<UserRecord | undefined> {
  const rows = await db
    .selectFrom('users')
    .selectAll()
    .where((is) => is.or([is('id', '=', idOrName), is('name_key', '=', nameKey(idOrName))]))
    .execute()
  const row = rows.find(({ id }) => id === idOrName) ?? rows[0]
  return row && userOf(row)
}

async function listUsers(db: Db): Promise<UserRecord[]> {
  const rows = await db.selectFrom('users').selectAll().orderBy('name_key').execute()
  return rows.map(userOf)
}

async function insertUser(db: Db, user: UserRecord): Promise<void> {
  const { id, name, role, createdAt } = user
  const inserted = await db
    .insertInto('users')
    .values({ id, name, name_key: nameKey(name), role, created_at: createdAt })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  if (inserted || (await findUser(db, name))?.id === id) return
  throw new NarwhalError('conflict', `a user named "${name}" already exists`)
}

async function setRole(db: Db, id: UserId, role: Role): Promise<void> {
  await keepAnAdmin(db, id, role)
  await db.updateTable('users').set({ role }).where('id', '=', id).execute()
}

async function removeUser(db: Db, id: UserId): Promise<void> {
  await keepAnAdmin(db, id, undefined)
  await db.deleteFrom('tokens').where('user_id', '=', id).execute()
  await removeSessionsOf(db, id)
  await db.deleteFrom('users').where('id', '=', id).execute()
}

/** If two administrators remove each other concurrently, the row locks let only one succeed. */
async function keepAnAdmin(db: Db, id: UserId, role: Role | undefined): Promise<void> {
  if (role === 'admin') return
  const admins = await db
    .selectFrom('users')
    .select(['id', 'name'])
    .where('role', '=', 'admin')
    .orderBy('id')
    .$if(isPostgres(db), (query) => query.forUpdate())
    .execute()
  const [only, another] = admins
  if (only?.id !== id || another) return
  throw new NarwhalError(
    'conflict',
    `"${only.name}" is the only administrator: make another user an administrator first`,
  )
}
