import { setTimeout as sleep } from 'node:timers/promises'
import { backoff } from '../../../lib/async/backoff.ts'
import { type FetchFailure, failureOf } from './fetch-failure.ts'

export interface Patience {
  /** Without a byte for this long, a fetch is given up; there is no limit in all. */
  readonly stallMs: number
  readonly tries: number
  readonly firstWaitMs: number
  /** After the registry has said that it was asked too often, but not for how long. */
  readonly limitedWaitMs: number
}

export const PATIENCE: Patience = {
  stallMs: 60_000,
  tries: 6,
  firstWaitMs: 1_000,
  limitedWaitMs: 20_000,
}
const LONGEST_WAIT_MS = 60_000
const RETRIED: readonly FetchFailure[] = ['passing', 'limited']

export interface Retrying {
  readonly patience: Patience
  readonly signal: AbortSignal
  readonly onProgress: (line: string) => void
}

/** A registry limits requests, and says for how long. */
export class Limited extends Error {
  readonly retryAfterMs: number | undefined

  constructor(retryAfterMs: number | undefined) {
    super('too many requests: the registry limits them')
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * Calls `run` until it succeeds: what is wrong for a while only is tried again, with back-off; never what a
 * registry refuses.
 */
export async function retrying<Result>(
  { patience, signal, onProgress }: Retrying,
  run: (attempt: number) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await run(attempt)
    } catch (error) {
      signal.throwIfAborted()
      const failure = failureOf(error)
      if (!RETRIED.includes(failure) || attempt + 1 >= patience.tries) throw error
      const isLimited = failure === 'limited'
      onProgress(`${isLimited ? 'the registry limits requests' : 'interrupted'}: trying again`)
      const afterMs = error instanceof Limited ? error.retryAfterMs : undefined
      if (afterMs !== undefined)
        await sleep(Math.min(afterMs, LONGEST_WAIT_MS), undefined, { signal })
      else {
        const firstMs = isLimited ? patience.limitedWaitMs : patience.firstWaitMs
        await backoff(attempt, { firstMs, maxMs: LONGEST_WAIT_MS }, signal)
      }
    }
  }
}
