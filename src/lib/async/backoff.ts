import { setTimeout as sleep } from 'node:timers/promises'

export interface BackoffOptions {
  /** The first delay, in milliseconds. */
  readonly firstMs: number
  /** Upper bound of each delay, in milliseconds. */
  readonly maxMs: number
}

/**
 * Waits before the nth try (from 0): exponential with jitter, so that clients that lost the same server don't
 * all reconnect at the same moment. Rejects with AbortError when aborted.
 */
export async function backoff(
  attempt: number,
  options: BackoffOptions,
  signal?: AbortSignal,
): Promise<void> {
  const ceiling = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(attempt, 30))
  const delay = ceiling / 2 + Math.random() * (ceiling / 2)
  await sleep(delay, undefined, signal ? { signal } : {})
}
