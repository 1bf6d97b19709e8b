import type { FastifyRequest } from 'fastify'
import { bearerToken } from '../../http/guard.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Asker } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import { addressOf } from './address-of.ts'
import { SESSION_IDLE_MS, SESSION_TOUCH_MS } from './sessions.ts'
import { hashToken } from './tokens.ts'

/** The cookie of a person who has signed in by a browser. */
export const SESSION_COOKIE = 'narwhal_session'

/** How exactly it is known when a token was used last: each request would be a write otherwise. */
const TOKEN_TOUCH_MS = 3_600_000
/** How old an answer may be for what is open already. */
const AGAIN_MS = 1_500
/** Past so many all are forgotten, which costs a write or two more. */
const MOST_NOTED = 10_000

/**
 * Finds out whose credential a request shows: an access token (`Authorization: Bearer …`), or the
 * cookie of a session. By the way it notes when each was used last, seldom, and never waited for.
 */
export class Credentials {
  readonly #store: Store
  /** When the use of a credential was noted here the last time, by its hash. */
  readonly #noted = new Map<string, number>()

  readonly #again = new Map<string, { at: number; answer: Promise<Asker | undefined> }>()

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Throws `unauthenticated` for what is no credential, or not any more; with its end for one that was
   * good once, since whoever holds it may know. Undefined: it is none of a user, but may be another.
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
   * The same for what is open already, a moment later: of many websockets with one credential one
   * asks, and the others take its answer.
   */
  async findAgain(request: FastifyRequest): Promise<Asker | undefined> {
    const key = hashToken(bearerToken(request) ?? sessionToken(request) ?? '')
    const known = this.#again.get(key)
    if (known && known.at + AGAIN_MS > Date.now()) return await known.answer
    if (this.#again.size >= MOST_NOTED) this.#again.clear()
    const answer = this.find(request)
    // Who asked hears of it; others may never ask.
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
      throw new NarwhalError('unauthenticated', 'this session is over: sign in again')
    }
    if (found.session.seenAt + SESSION_TOUCH_MS <= now && this.#isDue(hash, SESSION_TOUCH_MS)) {
      this.#note((at) => this.#store.transact((write) => write.sessions.touch(hash, at)))
    }
    return found.user
  }

  #isDue(hash: string, everyMs: number): boolean {
    const now = Date.now()
    if ((this.#noted.get(hash) ?? 0) + everyMs > now) return false
    if (this.#noted.size >= MOST_NOTED) this.#noted.clear()
    this.#noted.set(hash, now)
    return true
  }

  /** A store that is away loses nothing but the time of a use. */
  #note(write: (at: number) => Promise<unknown>): void {
    write(Date.now()).catch(() => undefined)
  }
}

function expired(endsAt: number): NarwhalError {
  const at = new Date(endsAt).toISOString()
  const words = `this token has expired at ${at}: make a new one with \`narwhal token create\``
  return new NarwhalError('unauthenticated', words)
}

/** What the cookie of somebody who has signed in says. */
export function sessionToken(request: FastifyRequest): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [name, value] = pair.trim().split('=')
    if (name === SESSION_COOKIE && value) return value
  }
  return undefined
}
