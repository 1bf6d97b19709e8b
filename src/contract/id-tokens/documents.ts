import type { KeyTimes } from '../../core/id-token/id-token-keys.ts'
import { shownKeys } from '../../core/id-token/id-token-keys.ts'
import { CLAIMS } from './claims.ts'

/** The one that every cloud takes: Microsoft's takes no other. */
export const ID_TOKEN_ALGORITHM = 'RS256'

/** Where the documents of an issuer stand, behind its address. */
export const DISCOVERY_PATH = '/.well-known/openid-configuration'
export const KEYS_PATH = '/.well-known/jwks.json'

/**
 * Why nobody could check tokens of this issuer, and what to do, in words; undefined where they can. Clouds
 * fetch the keys of an issuer by https alone.
 */
export function issuerTrouble(issuer: string | undefined): string | undefined {
  const mend =
    'set --oidc-issuer to an https:// address under which others find the documents of this server'
  if (issuer === undefined) return `no issuer of id tokens is set: ${mend}`
  if (issuer.startsWith('https://')) return undefined
  return `the issuer of id tokens would be ${issuer}, which no cloud takes: ${mend}`
}

/** OpenID Connect Discovery 1.0: by it others find the keys. */
export function discoveryDocument(issuer: string) {
  return {
    issuer,
    jwks_uri: `${issuer}${KEYS_PATH}`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [ID_TOKEN_ALGORITHM],
    scopes_supported: ['openid'],
    claims_supported: [...CLAIMS],
  }
}

interface PublicKey extends KeyTimes {
  readonly kid: string
  /** A JWK as JSON. */
  readonly publicKey: string
}

/** RFC 7517: the keys that are shown at this moment. */
export function keySet(keys: readonly PublicKey[], now: number) {
  const shown = shownKeys(keys, now).map(({ kid, publicKey }) => ({
    ...(JSON.parse(publicKey) as { kty: string; n: string; e: string }),
    kid,
    alg: ID_TOKEN_ALGORITHM,
    use: 'sig',
  }))
  return { keys: shown }
}
