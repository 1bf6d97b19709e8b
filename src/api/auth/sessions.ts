import type { UserRecord } from '../../store/records.ts'
import type { Writes } from '../../store/store.ts'
import { createToken, hashToken } from './tokens.ts'

const DAY_MS = 24 * 3_600_000

/** The absolute lifetime of a session. */
export const SESSION_MS = 30 * DAY_MS
/** The lifetime of a session that is not used. */
export const SESSION_IDLE_MS = 7 * DAY_MS
/** The precision of a session's last use: otherwise each request would be a write. */
export const SESSION_TOUCH_MS = 10 * 60_000
/** The lifetime of a sign-in link. */
export const LINK_MS = 5 * 60_000

/** Starts a session and returns its token; only its hash is stored. */
export async function startSession(
  write: Writes<'sessions'>,
  user: Pick<UserRecord, 'id'>,
  now = Date.now(),
): Promise<{ session: string; endsAt: number }> {
  const session = createToken('session')
  const endsAt = now + SESSION_MS
  const record = { hash: hashToken(session), userId: user.id, createdAt: now, seenAt: now, endsAt }
  await write.sessions.insert(record)
  return { session, endsAt }
}

/** A one-time code by which a browser signs in as this user; replaces the user's previous one. */
export async function makeSignInLink(
  write: Writes<'signInLinks'>,
  user: Pick<UserRecord, 'id'>,
  now = Date.now(),
): Promise<{ code: string; expiresAt: number }> {
  const code = createToken('link')
  const expiresAt = now + LINK_MS
  await write.signInLinks.put({ userId: user.id, hash: hashToken(code), endsAt: expiresAt })
  return { code, expiresAt }
}

/** The URL with the code in the fragment, which is neither sent to servers nor logged. */
export function signInUrl(page: string, code: string): string {
  return `${page.replace(/\/+$/, '')}/sign-in#code=${code}`
}
