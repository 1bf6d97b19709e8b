import type { Outcome } from '../outcome.ts'
import type { Job } from './job.ts'
import { roundOf } from './job-state.ts'

/** The job's timeout in milliseconds: what it asks for, at most the operator's limit (0: no limit). */
export function timeoutOf({ spec }: Job, limitMs: number): number {
  if (spec.timeoutMs === undefined) return limitMs
  return limitMs === 0 ? spec.timeoutMs : Math.min(spec.timeoutMs, limitMs)
}

/** How long cleanup steps may take in all, by default, in milliseconds. */
export const CLEANUP_MS = 60_000

/** The same for this job; 0: it has none. */
export function cleanupOf({ spec }: Job, limitMs: number): number {
  return spec.steps.some(({ runsOn }) => runsOn === 'always') ? limitMs : 0
}

/**
 * Which retries are left for a job whose attempt ends; a rerun by a person resets the counts. `maxAttempts`:
 * the number of the last attempt that may be lost with its runner; `retryOn`: the outcomes after which
 * `narwhal.yml` asks for a retry.
 */
export function retryRights(
  { spec, state, attempts }: Job,
  attempt: number,
  maxAttempts: number,
): { readonly maxAttempts: number; readonly retryOn: readonly Outcome[] } {
  const since = roundOf(state)
  const { count, on } = spec.retry ?? { count: 0, on: [] }
  const used = attempts.filter(
    (one) =>
      one.number >= since &&
      one.number < attempt &&
      one.status === 'finished' &&
      on.includes(one.outcome),
  ).length
  return { maxAttempts: since - 1 + maxAttempts, retryOn: used < count ? on : [] }
}
