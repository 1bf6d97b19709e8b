import type { FastifyRequest } from 'fastify'
import { bearerToken } from '../../http/guard.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Asker } from '../../store/records.ts'
import type { Uses } from '../../store/store.ts'
import { addressOf } from './address-of.ts'
import { SESSION_IDLE_MS, SESSION_TOUCH_MS } from './sessions.ts'
import { hashToken } from './tokens.ts'

/** The cookie of a signed-in browser. */
export const SESSION_COOKIE = 'narwhal_session'

/** The precision of a token's last use: otherwise each request would be a write. */
const TOKEN_TOUCH_MS = 3_600_000
/** How old a cached answer for an open connection may be. */
const AGAIN_MS = 1_500
/** Beyond this the cache is cleared, which costs a few more writes. */
const MAX_NOTED = 10_000

/**
 * Authenticates requests: by an access token (`Authorization: Bearer …`) or a session cookie. Records
 * the last use of each, rarely, and without waiting.
 */
export class Credentials {
  readonly #store: Uses<'sessions' | 'tokens' | 'transact'>
  /** When the use of a credential was last recorded, by its hash. */
  readonly #noted = new Map<string, number>()
  readonly #again = new Map<string, { at: number; answer: Promise<Asker | undefined> }>()

  constructor(store: Uses<'sessions' | 'tokens' | 'transact'>) {
    this.#store = store
  }

  /**
   * Throws `unauthenticated` for an invalid or expired credential, with its expiry if it was once valid,
   * as its holder may know that. Undefined: not a user's, but it may be of another kind.
   */
  async find(request: FastifyRequest): Promise<Asker | undefined> {
    const token = bearerToken(request)
    if (token !== undefined) return await this.#byToken(hashToken(token), addressOf(request))
    const session = sessionToken(request)
    if (session !== undefined) return await this.#bySession(hashToken(session))
    throw new NarwhalError(
      'unauthenticated',
      'a token is needed: send `Authorization: Bearer …`, or sign in',
    )
  }

  /**
   * The same for an open connection, from a short-lived cache: many WebSockets with one credential make
   * one query.
   */
  async findAgain(request: FastifyRequest): Promise<Asker | undefined> {
    const key = hashToken(bearerToken(request) ?? sessionToken(request) ?? '')
    const known = this.#again.get(key)
    if (known && known.at + AGAIN_MS > Date.now()) return await known.answer
    if (this.#again.size >= MAX_NOTED) this.#again.clear()
    const answer = this.find(request)
    // The caller handles it below; the cached promise may have no other reader.
    answer.catch(() => undefined)
    this.#again.set(key, { at: Date.now(), answer })
    return await answer
  }

  async #byToken(hash: string, from: string): Promise<Asker | undefined> {
    const user = await this.#store.tokens.findUser(hash)
    if (!user) {
      const endsAt = (await this.#store.tokens.find(hash))?.endsAt
      if (endsAt !== undefined) throw expired(endsAt)
      return undefined
    }
    if (this.#isDue(hash, TOKEN_TOUCH_MS)) {
      this.#note((at) => this.#store.transact((write) => write.tokens.noteUse({ hash, at, from })))
    }
    return user
  }

  async #bySession(hash: string): Promise<Asker> {
    const found = await this.#store.sessions.find(hash)
    const now = Date.now()
    if (!found || found.session.endsAt <= now || found.session.seenAt + SESSION_IDLE_MS <= now) {
      throw new NarwhalError('unauthenticated', 'the session has expired: sign in again')
    }
    if (found.session.seenAt + SESSION_TOUCH_MS <= now && this.#isDue(hash, SESSION_TOUCH_MS)) {
      this.#note((at) => this.#store.transact((write) => write.sessions.touch(hash, at)))
    }
    return found.user
  }

  #isDue(hash: string, everyMs: number): boolean {
    const now = Date.now()
    if ((this.#noted.get(hash) ?? 0) + everyMs > now) return false
    if (this.#noted.size >= MAX_NOTED) this.#noted.clear()
    this.#noted.set(hash, now)
    return true
  }

  /** If the store is unavailable, only the time of a use is lost. */
  #note(write: (at: number) => Promise<unknown>): void {
    write(Date.now()).catch(() => undefined)
  }
}

function expired(endsAt: number): NarwhalError {
  const at = new Date(endsAt).toISOString()
  const message = `this token expired at ${at}: create a new one with \`narwhal token create\``
  return new NarwhalError('unauthenticated', message)
}

/** The token in the session cookie. */
export function sessionToken(request: FastifyRequest): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [name, value] = pair.trim().split('=')
    if (name === SESSION_COOKIE && value) return value
  }
  return undefined
}
