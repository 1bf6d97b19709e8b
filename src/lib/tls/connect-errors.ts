import { describeError, NarwhalError } from '../errors.ts'

/** Messages for error codes of Node and OpenSSL. */
const WORDS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'its certificate was issued by an authority that is not trusted here',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate was issued by an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate was issued by an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate was issued by an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate was issued by an authority that is not trusted here',
  CERT_SIGNATURE_FAILURE: 'its certificate was issued by an authority that is not trusted here',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for other names',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS: try http:// instead of https://',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS: try http:// instead of https://',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'it supports no TLS version that is supported here',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it supports no TLS version that is supported here',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it requires a client certificate',
  ERR_SSL_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it requires a client certificate',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'it refused the TLS handshake',
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

/** The innermost cause of what `fetch` and others throw; our own errors have a message already. */
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
  // Then OpenSSL's reason is in the message only.
  const reason = /:SSL routines:[^:]*:([^:]+):/.exec(describeError(error))?.[1] ?? 'of no name'
  return `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`
}

/** Why a connection failed, in plain text: TLS error codes mean little to people. */
export function describeConnectError(error: unknown): string {
  const root = rootOf(error)
  const code = codeOf(root) ?? ''
  const words = WORDS[code]
  if (!words) return describeError(root)
  // OpenSSL's messages contain positions in its source.
  return `${words} (${code.startsWith('ERR_SSL_') ? code : describeError(root)})`
}

/** Whether TLS failed. */
export function isTlsError(error: unknown): boolean {
  const code = codeOf(rootOf(error)) ?? ''
  return code in WORDS || code.startsWith('ERR_SSL_')
}

/**
 * Whether no connection was established, so that the server can't have done anything. Certificates are
 * checked before anything is sent, or by the server before it reads.
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
