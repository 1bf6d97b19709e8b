import { NarwhalError } from '../lib/errors.ts'

const FIRST_MS = 100
const MAX_MS = 5_000

/** Throws `invalid` unless every broker supports the prefetch. */
export function checkPrefetch(prefetch: number): void {
  if (Number.isInteger(prefetch) && prefetch >= 1 && prefetch <= 65_535) return
  throw new NarwhalError(
    'invalid',
    `the prefetch must be an integer from 1 to 65535, not ${prefetch}`,
  )
}

/**
 * Milliseconds that a commit is held before its redelivery after its nth delivery (from 1) has failed:
 * long enough that a handler that fails at once does not spin.
 */
export function redeliveryDelayMs(delivery: number): number {
  return Math.min(MAX_MS, FIRST_MS * 2 ** (delivery - 1))
}
