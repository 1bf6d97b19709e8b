import { describeError, NarwhalError } from '../errors.ts'

/** What codes of Node and OpenSSL mean to who connects. */
const WORDS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is of an authority that is not trusted here',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is of an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an authority that is not trusted here',
  CERT_SIGNATURE_FAILURE: 'its certificate is of an authority that is not trusted here',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for other names',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS: try http:// instead of https://',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS: try http:// instead of https://',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION:
    'it speaks none of the versions of TLS that are spoken here',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it speaks none of the versions of TLS that are spoken here',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it asks for a client certificate',
  ERR_SSL_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it asks for a client certificate',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'it refuses TLS with this client',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "it does not trust the authority of this client's certificate",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "it refuses this client's certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: "this client's certificate has expired",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: "it refuses this client's certificate",
}

const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  ...Object.keys(WORDS),
])

/** The innermost reason of what `fetch` and others throw; our own errors have their words already. */
function rootOf(error: unknown): unknown {
  const isOurs = error instanceof NarwhalError
  return error instanceof Error && !isOurs && error.cause !== undefined
    ? rootOf(error.cause)
    : error
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (typeof code !== 'string') return undefined
  if (code !== 'EPROTO') return code
  // The reason of OpenSSL is then in the message alone.
  const reason = /:SSL routines:[^:]*:([^:]+):/.exec(describeError(error))?.[1] ?? 'of no name'
  return `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`
}

/** Why nothing could be asked over a connection, in words; TLS's codes say little to people. */
export function describeConnectError(error: unknown): string {
  const root = rootOf(error)
  const code = codeOf(root) ?? ''
  const words = WORDS[code]
  if (!words) return describeError(root)
  // OpenSSL's messages name places in its source.
  return `${words} (${code.startsWith('ERR_SSL_') ? code : describeError(root)})`
}

/** Whether TLS is what failed. */
export function isTlsError(error: unknown): boolean {
  const code = codeOf(rootOf(error)) ?? ''
  return code in WORDS || code.startsWith('ERR_SSL_')
}

/**
 * Whether no connection was made, so that the other side has surely done nothing. Certificates are
 * checked before anything is sent, or by the other side before it reads.
 */
export function wasNotConnected(error: unknown): boolean {
  const root = rootOf(error)
  if (root instanceof AggregateError && root.errors.length > 0) {
    return root.errors.every(wasNotConnected)
  }
  const code = codeOf(root) ?? ''
  if (NOT_CONNECTED.has(code)) return true
  if (code === 'ETIMEDOUT')
    return root instanceof Error && 'syscall' in root && root.syscall === 'connect'
  return code === 'ECONNRESET' && /before secure TLS connection/.test(describeError(root))
}
