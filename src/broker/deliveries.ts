import { NarwhalError } from '../lib/errors.ts'

const FIRST_MS = 100
const LONGEST_MS = 5_000

/** Throws `invalid` unless the prefetch is one that every broker can keep. */
export function checkPrefetch(prefetch: number): void {
  if (Number.isInteger(prefetch) && prefetch >= 1 && prefetch <= 65_535) return
  throw new NarwhalError(
    'invalid',
    `prefetch must be a whole number from 1 to 65535, not ${prefetch}`,
  )
}

/**
 * How long a commit is held before its next delivery, in milliseconds, when its nth delivery
 * (from 1) failed: long enough that a handler that fails at once does not spin.
 */
export function redeliveryDelayMs(delivery: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** (delivery - 1))
}
