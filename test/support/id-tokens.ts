import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import jsonwebtoken, { type JwtPayload } from 'jsonwebtoken'

/**
 * What a cloud does with a token, by other people's code than what makes it: jsonwebtoken over node's own
 * cryptography. The issuer's documents are fetched from `at`, in the place of a proxy before it.
 */
export class Verifier {
  readonly #issuer: string
  readonly #at: string
  readonly #cacheMs: number
  readonly #now: () => number
  #keys: ReadonlyMap<string, KeyObject> = new Map()
  #fetchedAt = -Infinity

  /** `cacheMs`: so long it does not look again, whatever comes; by the clock `now`. */
  constructor(issuer: string, at: string, { cacheMs = 0, now = () => Date.now() } = {}) {
    this.#issuer = issuer
    this.#at = at
    this.#cacheMs = cacheMs
    this.#now = now
  }

  /** The claims of a token that is good now for this audience; rejects with the reason otherwise. */
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
    const found = await this.#fetch('/.well-known/openid-configuration')
    if (found['issuer'] !== this.#issuer)
      throw new Error(`the document is of ${String(found['issuer'])}`)
    const uri = String(found['jwks_uri'])
    if (!uri.startsWith(`${this.#issuer}/`)) throw new Error(`the keys would be at ${uri}`)
    const { keys } = await this.#fetch(uri.slice(this.#issuer.length))
    this.#keys = new Map(
      (keys as (JsonWebKey & { kid: string })[]).map((jwk) => [
        jwk.kid,
        createPublicKey({ key: jwk, format: 'jwk' }),
      ]),
    )
    this.#fetchedAt = this.#now()
  }

  async #fetch(path: string): Promise<Record<string, unknown>> {
    // Whoever asks comes from outside, by whatever name.
    const response = await fetch(`${this.#at}${path}`)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Record<string, unknown>
  }
}
