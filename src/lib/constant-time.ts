import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto'

/** As a KeyObject: making one from bytes for each digest takes three times as long as the digest. */
const KEY = createSecretKey(randomBytes(32))

/** Compares two secrets in constant time, by keyed digests, so that lengths don't matter either. */
export function equalsConstantTime(a: string | Uint8Array, b: string | Uint8Array): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

function digest(text: string | Uint8Array): Buffer {
  return createHmac('sha256', KEY).update(text).digest()
}
