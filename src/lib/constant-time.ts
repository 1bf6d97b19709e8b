import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto'

/** As an object: to make one of the bytes for each digest takes three times as long as the digest. */
const KEY = createSecretKey(randomBytes(32))

/**
 * Whether two secrets are equal, in a time that tells nothing of where they differ. They are
 * compared by keyed digests, so that different lengths are as slow as the same one.
 */
export function equalsConstantTime(a: string | Uint8Array, b: string | Uint8Array): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

function digest(text: string | Uint8Array): Buffer {
  return createHmac('sha256', KEY).update(text).digest()
}
