import { setTimeout as sleep } from 'node:timers/promises'

/** An answer that may be `undefined` is rejected at compile time: "not yet", or assertions that passed? */
type Decided<T> = undefined extends T
  ? [T] extends [void]
    ? unknown
    : 'return false or null for "not yet", not undefined'
  : unknown

export interface EventuallyOptions {
  /** Timeout in milliseconds; 10,000 by default. */
  readonly timeoutMs?: number
  /** What is waited for, for the error on timeout. */
  readonly message?: string
}

const SHORTEST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 50

/**
 * Polls until `condition` holds and resolves to what it returned. It does not hold while it returns (or
 * resolves to) `false` or `null`, or throws, so it can be a plain question or a list of assertions. On
 * timeout, rethrows its last error, or throws one with `message`.
 */
export async function eventually<T>(
  condition: (() => T | Promise<T>) & Decided<T>,
  options: EventuallyOptions = {},
): Promise<Exclude<T, false | null>> {
  const { timeoutMs = 10_000, message = 'the condition' } = options
  const deadline = performance.now() + timeoutMs
  let pauseMs = SHORTEST_PAUSE_MS
  for (;;) {
    let failure: unknown = new Error(`waited ${timeoutMs} ms in vain for ${message}`)
    try {
      const answer = await condition()
      if (answer !== false && answer !== null) return answer as Exclude<T, false | null>
    } catch (error) {
      failure = error
    }
    if (performance.now() >= deadline) throw failure
    await sleep(pauseMs)
    pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)
  }
}
