import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import jsonwebtoken, { type JwtPayload } from 'jsonwebtoken'

/**
 * Verifies a token as a cloud does, with other code than what makes it: jsonwebtoken over Node's own
 * cryptography. The issuer's documents are fetched from `at`, as if by a proxy, or by a function of the test.
 */
export class Verifier {
  readonly #issuer: string
  readonly #fetch: (path: string) => Promise<object>
  readonly #cacheMs: number
  readonly #now: () => number
  #keys: ReadonlyMap<string, KeyObject> = new Map()
  #fetchedAt = -Infinity

  /** `cacheMs`: how long the documents are cached, by the clock `now`. */
  constructor(
    issuer: string,
    at: string | ((path: string) => Promise<object>),
    { cacheMs = 0, now = () => Date.now() } = {},
  ) {
    this.#issuer = issuer
    this.#fetch = typeof at === 'string' ? (path) => fetchAt(at, path) : at
    this.#cacheMs = cacheMs
    this.#now = now
  }

  /** The claims of a token that is valid now for this audience; rejects with the reason otherwise. */
  async verify(token: string, audience: string): Promise<JwtPayload> {
    await this.#look()
    const kid = jsonwebtoken.decode(token, { complete: true })?.header.kid ?? ''
    const key = this.#keys.get(kid)
    if (!key) throw new Error(`the issuer shows no key ${kid}`)
    const claims = jsonwebtoken.verify(token, key, {
      algorithms: ['RS256'],
      issuer: this.#issuer,
      audience,
      clockTimestamp: Math.floor(this.#now() / 1000),
    })
    if (typeof claims === 'string') throw new Error('the token holds no claims')
    return claims
  }

  async #look(): Promise<void> {
    if (this.#now() < this.#fetchedAt + this.#cacheMs) return
    const found = await this.#document('/.well-known/openid-configuration')
    if (found['issuer'] !== this.#issuer)
      throw new Error(`the document is of ${String(found['issuer'])}`)
    const uri = String(found['jwks_uri'])
    if (!uri.startsWith(`${this.#issuer}/`)) throw new Error(`the keys would be at ${uri}`)
    const { keys } = await this.#document(uri.slice(this.#issuer.length))
    this.#keys = new Map(
      (keys as (JsonWebKey & { kid: string })[]).map((jwk) => [
        jwk.kid,
        createPublicKey({ key: jwk, format: 'jwk' }),
      ]),
    )
    this.#fetchedAt = this.#now()
  }

  async #document(path: string): Promise<Record<string, unknown>> {
    return { ...(await this.#fetch(path)) }
  }
}

async function fetchAt(at: string, path: string): Promise<object> {
  const response = await fetch(`${at}${path}`)
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as object
}
