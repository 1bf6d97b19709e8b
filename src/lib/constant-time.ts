import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const KEY = randomBytes(32)

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
