const FIRST_MS = 100
const LONGEST_MS = 5_000

/**
 * How long a commit is held before its next delivery, in milliseconds, when its nth delivery
 * (from 1) failed: long enough that a handler that fails at once does not spin.
 */
export function redeliveryDelayMs(delivery: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** (delivery - 1))
}
