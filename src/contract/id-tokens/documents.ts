import type { KeyTimes } from '../../core/id-token/id-token-keys.ts'
import { publishedKeys } from '../../core/id-token/id-token-keys.ts'
import { CLAIMS } from './claims.ts'

/** Supported by every cloud; Microsoft's supports no other. */
export const ID_TOKEN_ALGORITHM = 'RS256'

/** Paths of the issuer's documents, relative to its URL. */
export const DISCOVERY_PATH = '/.well-known/openid-configuration'
export const KEYS_PATH = '/.well-known/jwks.json'

/**
 * Why tokens of this issuer can't be verified, and what to do; undefined if they can. Clouds fetch an
 * issuer's keys over https only.
 */
export function issuerTrouble(issuer: string | undefined): string | undefined {
  const fix = "set --oidc-issuer to an https:// URL where others can fetch this server's documents"
  if (issuer === undefined) return `no issuer of id tokens is set: ${fix}`
  if (issuer.startsWith('https://')) return undefined
  return `the issuer of id tokens would be ${issuer}, which no cloud accepts: ${fix}`
}

/** OpenID Connect Discovery 1.0. */
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
  readonly publicKey: string
}

/** RFC 7517: the keys published at this moment. */
export function keySet(keys: readonly PublicKey[], now: number) {
  const shown = publishedKeys(keys, now).map(({ kid, publicKey }) => ({
    ...(JSON.parse(publicKey) as { kty: string; n: string; e: string }),
    kid,
    alg: ID_TOKEN_ALGORITHM,
    use: 'sig',
  }))
  return { keys: shown }
}
