import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { Reads, Uses } from '../../store/store.ts'
import { createToken, hashToken } from './tokens.ts'

/**
 * Web processes forward commands to dispatchers, together with the client's address. Dispatchers trust
 * that address only from a web process, which authenticates by a credential of its own, whose hash it
 * writes to the shared store.
 */

const FORWARDER = 'narwhal-forwarder'
const FORWARDED_FOR = 'narwhal-forwarded-for'

const LIFE_MS = 24 * 3_600_000
/** How long an answer of the store is cached. */
const KNOWN_MS = 60_000

/** Finds the client's address of requests that were forwarded by our web processes. */
export class Forwarders {
  readonly #store: Reads<'forwarders'>
  readonly #known = new Map<string, number>()

  constructor(store: Reads<'forwarders'>) {
    this.#store = store
  }

  async addressOf({ headers }: Pick<FastifyRequest, 'headers'>): Promise<string | undefined> {
    const token = headers[FORWARDER]
    const address = headers[FORWARDED_FOR]
    if (typeof token !== 'string' || typeof address !== 'string' || !isIP(address)) return undefined
    return (await this.#isOurs(hashToken(token))) ? address : undefined
  }

  async #isOurs(hash: string): Promise<boolean> {
    const now = Date.now()
    if ((this.#known.get(hash) ?? 0) > now) return true
    this.#known.delete(hash)
    if (!(await this.#store.forwarders.isKnown(hash, now))) return false
    this.#known.set(hash, now + KNOWN_MS)
    return true
  }
}

/** A web process's credential for dispatchers: a new one at each start, extended while in use. */
export class ForwarderCredential {
  readonly #store: Uses<'transact'>
  readonly #token = createToken('forwarder')
  #endsAt = 0
  #writing: Promise<void> | undefined

  constructor(store: Uses<'transact'>) {
    this.#store = store
  }

  /** The headers with the client's address; none while the store is unavailable: the command matters more. */
  async headersFor(address: string): Promise<Record<string, string>> {
    if (this.#endsAt < Date.now() + LIFE_MS / 2) {
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined
      })
      await this.#writing.catch(() => undefined)
    }
    if (this.#endsAt <= Date.now()) return {}
    return { [FORWARDER]: this.#token, [FORWARDED_FOR]: address }
  }

  async #write(): Promise<void> {
    const now = Date.now()
    const endsAt = now + LIFE_MS
    const record = { hash: hashToken(this.#token), endsAt }
    await this.#store.transact((write) => write.forwarders.put(record, now))
    this.#endsAt = endsAt
  }
}
