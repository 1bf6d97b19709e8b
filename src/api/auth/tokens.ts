import { createHash, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'

/**
 * The prefix of each kind of credential, so that people and secret scanners recognize it. The manual's
 * page "Access" describes the format.
 */
const PREFIXES = {
  /** Of a user. */
  access: 'narwhal_',
  /** For runners to join. */
  join: 'narwhal_join_',
  /** Of a runner that has joined. */
  identity: 'narwhal_runner_',
  /** Of a signed-in browser. */
  session: 'narwhal_session_',
  /** Of a one-time sign-in link. */
  link: 'narwhal_link_',
  /** Of a web process, to dispatchers. */
  forwarder: 'narwhal_web_',
  /** For dialled runners. */
  dial: 'narwhal_dial_',
} as const

export type TokenKind = keyof typeof PREFIXES

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** 190 bits. */
const RANDOM_DIGITS = 32
const SUM_DIGITS = 6
const FORM = /^narwhal_(?:[a-z]+_)?[0-9A-Za-z]{38}$/

/** A new credential, which is shown once and stored as its `hashToken`. */
export function createToken(kind: TokenKind = 'access'): string {
  const random = Array.from({ length: RANDOM_DIGITS }, () => DIGITS[randomInt(DIGITS.length)])
  const text = PREFIXES[kind] + random.join('')
  return text + sumOf(text)
}

/** Whether a text has the format of a credential, including its checksum. */
export function isTokenShaped(text: string): boolean {
  return FORM.test(text) && sumOf(text.slice(0, -SUM_DIGITS)) === text.slice(-SUM_DIGITS)
}

/** CRC-32 in six base-62 digits: lets scanners rule out false positives. */
function sumOf(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let n = 0; n < SUM_DIGITS; n++) {
    digits = (DIGITS[rest % DIGITS.length] ?? '') + digits
    rest = Math.floor(rest / DIGITS.length)
  }
  return digits
}

/** The stored hash of a credential. Unsalted SHA-256 suffices, since credentials are long and random. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
