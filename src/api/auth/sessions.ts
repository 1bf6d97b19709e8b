import type { UserRecord } from '../../store/records.ts'
import type { StoreWriter } from '../../store/store.ts'
import { createToken, hashToken } from './tokens.ts'

const DAY_MS = 24 * 3_600_000

/** A session ends so long after it began, however much it is used. */
export const SESSION_MS = 30 * DAY_MS
/** And so long after it was used last. */
export const SESSION_IDLE_MS = 7 * DAY_MS
/** How exactly it is known when one was used last: each request would be a write otherwise. */
export const SESSION_TOUCH_MS = 10 * 60_000
/** How long a link that signs in is good for. */
export const LINK_MS = 5 * 60_000

/** What a browser keeps; only its hash is stored. */
export async function startSession(
  write: StoreWriter,
  user: Pick<UserRecord, 'id'>,
  now = Date.now(),
): Promise<{ session: string; endsAt: number }> {
  const session = createToken('session')
  const endsAt = now + SESSION_MS
  const record = { hash: hashToken(session), userId: user.id, createdAt: now, seenAt: now, endsAt }
  await write.sessions.insert(record)
  return { session, endsAt }
}

/**
 * A code by which a browser signs in once, as this user; a former one of the user is worth nothing
 * from then on.
 */
export async function makeSignInLink(
  write: StoreWriter,
  user: Pick<UserRecord, 'id'>,
  now = Date.now(),
): Promise<{ code: string; expiresAt: number }> {
  const code = createToken('link')
  const expiresAt = now + LINK_MS
  await write.signInLinks.put({ userId: user.id, hash: hashToken(code), endsAt: expiresAt })
  return { code, expiresAt }
}

/** Where a browser uses the code: behind the `#`, so that no server and no log sees it. */
export function signInUrl(page: string, code: string): string {
  return `${page.replace(/\/+$/, '')}/sign-in#code=${code}`
}
