import type { UserId } from '../../../core/ids.ts'
import type {
  SessionReader,
  SessionRecord,
  SessionWriter,
  SignInLinkRecord,
  SignInLinkWriter,
} from '../../ports/sessions.ts'
import type { UserRecord } from '../../records.ts'
import type { Db } from '../tables.ts'
import { userOf } from './user-of.ts'

export function sessionReader(db: Db): SessionReader {
  return { find: (hash) => findSession(db, hash) }
}

export function sessionWriter(db: Db): SessionWriter {
  return {
    ...sessionReader(db),
    insert: (session) => insertSession(db, session),
    touch: (hash, seenAt) => touchSession(db, hash, seenAt),
    remove: (hash) => removeSession(db, hash),
  }
}

export function signInLinkWriter(db: Db): SignInLinkWriter {
  return {
    put: (link) => putSignInLink(db, link),
    take: (hash, at) => takeSignInLink(db, hash, at),
  }
}

async function findSession(
  db: Db,
  hash: string,
): Promise<{ user: UserRecord; session: SessionRecord } | undefined> {
  const row = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .selectAll('users')
    .select([
      'sessions.created_at as session_created_at',
      'sessions.seen_at as seen_at',
      'sessions.ends_at as ends_at',
    ])
    .where('sessions.hash', '=', hash)
    .executeTakeFirst()
  if (!row) return undefined
  const user = userOf(row)
  const { session_created_at: createdAt, seen_at: seenAt, ends_at: endsAt } = row
  return { user, session: { hash, userId: user.id, createdAt, seenAt, endsAt } }
}

/** Also deletes expired ones. */
async function insertSession(db: Db, session: SessionRecord): Promise<void> {
  const { hash, userId, createdAt, seenAt, endsAt } = session
  await db.deleteFrom('sessions').where('ends_at', '<=', createdAt).execute()
  await db
    .insertInto('sessions')
    .values({
      hash,
      user_id: userId,
      created_at: createdAt,
      seen_at: seenAt,
      ends_at: endsAt,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

async function touchSession(db: Db, hash: string, seenAt: number): Promise<void> {
  await db.updateTable('sessions').set({ seen_at: seenAt }).where('hash', '=', hash).execute()
}

async function removeSession(db: Db, hash: string): Promise<boolean> {
  const removed = await db
    .deleteFrom('sessions')
    .where('hash', '=', hash)
    .returning('hash')
    .executeTakeFirst()
  return removed !== undefined
}

async function putSignInLink(db: Db, link: SignInLinkRecord): Promise<void> {
  const { userId, hash, endsAt } = link
  await db
    .insertInto('sign_in_links')
    .values({ user_id: userId, hash, ends_at: endsAt })
    .onConflict((conflict) => conflict.column('user_id').doUpdateSet({ hash, ends_at: endsAt }))
    .execute()
}

/** One statement, so that of two browsers with the same link only one is signed in. */
async function takeSignInLink(db: Db, hash: string, at: number): Promise<UserId | undefined> {
  const row = await db
    .deleteFrom('sign_in_links')
    .where('hash', '=', hash)
    .returning(['user_id', 'ends_at'])
    .executeTakeFirst()
  return row && row.ends_at > at ? (row.user_id as UserId) : undefined
}

/** Removes a user's sessions and sign-in links; tokens are separate. */
export async function removeSessionsOf(db: Db, userId: UserId): Promise<void> {
  await db.deleteFrom('sessions').where('user_id', '=', userId).execute()
  await db.deleteFrom('sign_in_links').where('user_id', '=', userId).execute()
}
