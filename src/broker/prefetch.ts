import { NarwhalError } from '../lib/errors.ts'

/** Throws `invalid` unless the prefetch is one that every broker can keep. */
export function checkPrefetch(prefetch: number): void {
  if (Number.isInteger(prefetch) && prefetch >= 1 && prefetch <= 65_535) return
  throw new NarwhalError(
    'invalid',
    `prefetch must be a whole number from 1 to 65535, not ${prefetch}`,
  )
}
