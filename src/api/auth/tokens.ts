import { createHash, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'

/**
 * What each kind of credential begins with, so that people, and those who look for leaked ones, see
 * what they have before them. The manual's page "Access" has the form of them.
 */
const PREFIXES = {
  /** Of a user. */
  access: 'narwhal_',
  /** By which runners may join. */
  join: 'narwhal_join_',
  /** Of a runner that has joined. */
  identity: 'narwhal_runner_',
  /** Of a browser that has signed in. */
  session: 'narwhal_session_',
  /** By which a browser signs in once. */
  link: 'narwhal_link_',
  /** Of a web process, to dispatchers. */
  forwarder: 'narwhal_web_',
  /** What a dialled runner is shown. */
  dial: 'narwhal_dial_',
} as const

export type TokenKind = keyof typeof PREFIXES

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** 190 bits. */
const RANDOM_DIGITS = 32
const SUM_DIGITS = 6
const FORM = /^narwhal_(?:[a-z]+_)?[0-9A-Za-z]{38}$/

/** A new credential: it is shown once, and stored as `hashToken` of it. */
export function createToken(kind: TokenKind = 'access'): string {
  const random = Array.from({ length: RANDOM_DIGITS }, () => DIGITS[randomInt(DIGITS.length)])
  const text = PREFIXES[kind] + random.join('')
  return text + sumOf(text)
}

/** Whether a text has the form of a credential that was made here, its sum included. */
export function isTokenShaped(text: string): boolean {
  return FORM.test(text) && sumOf(text.slice(0, -SUM_DIGITS)) === text.slice(-SUM_DIGITS)
}

/** CRC-32 in six digits of base 62: scanners tell a token from what only looks like one. */
function sumOf(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let n = 0; n < SUM_DIGITS; n++) {
    digits = (DIGITS[rest % DIGITS.length] ?? '') + digits
    rest = Math.floor(rest / DIGITS.length)
  }
  return digits
}

/** What is stored of a credential. They are long and random, so a plain hash can't be searched. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
