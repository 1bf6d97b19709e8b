import type { Outcome } from '../outcome.ts'
import type { Job } from './job.ts'
import { roundOf } from './job-state.ts'

/** How long the job may run, in milliseconds: what it asks for, and never more than the operator says. */
export function timeoutOf({ spec }: Job, limitMs: number): number {
  if (spec.timeoutMs === undefined) return limitMs
  return limitMs === 0 ? spec.timeoutMs : Math.min(spec.timeoutMs, limitMs)
}

/**
 * What may still become of a job whose attempt ends. The counts begin anew when a person runs the job
 * again: `maxAttempts` is the number of the last attempt that a lost runner may cost, `retryOn` are
 * the outcomes after which `narwhal.yml` wants another try.
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
