import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { Store, StoreReader } from '../../store/store.ts'
import { createToken, hashToken } from './tokens.ts'

/**
 * Web processes hand commands on to dispatchers, which should know where a command came from first. That is
 * believed from nobody but a web process: it makes a credential whose hash it writes into the store
 * that all processes share, and shows it beside the address.
 */

const FORWARDER = 'narwhal-forwarder'
const FORWARDED_FOR = 'narwhal-forwarded-for'

const LIFE_MS = 24 * 3_600_000
/** So long an answer of the store is good: each command would ask it otherwise. */
const KNOWN_MS = 60_000

/** Looks up where a request came from first, if who hands it on is a web process of ours. */
export class Forwarders {
  readonly #store: StoreReader
  readonly #known = new Map<string, number>()

  constructor(store: StoreReader) {
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

/** What a web process shows to dispatchers; a new one with each start, and its end moves on with its use. */
export class ForwarderCredential {
  readonly #store: Store
  readonly #token = createToken('forwarder')
  #endsAt = 0
  #writing: Promise<void> | undefined

  constructor(store: Store) {
    this.#store = store
  }

  /** The headers that say where a request came from; none while the store is away, as the command matters more. */
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
