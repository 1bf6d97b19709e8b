/**
 * `failure` is the user's; `error` is ours or the environment's (image pull, lost runner, clone); `skipped`
 * never ran because something it needs did not succeed.
 */
export type Outcome = 'success' | 'failure' | 'error' | 'cancelled' | 'timeout' | 'skipped'

export const OUTCOMES = [
  'success',
  'failure',
  'error',
  'cancelled',
  'timeout',
  'skipped',
] as const satisfies readonly Outcome[]

/** Worst first: the outcome of a whole is that of its worst part. */
const SEVERITY: readonly Outcome[] = [
  'cancelled',
  'error',
  'timeout',
  'failure',
  'skipped',
  'success',
]

/** The outcome of a whole by those of its parts; without parts it is a success. */
export function worstOutcome(outcomes: Iterable<Outcome>): Outcome {
  let worst = SEVERITY.length - 1
  for (const outcome of outcomes) worst = Math.min(worst, SEVERITY.indexOf(outcome))
  return SEVERITY[worst] ?? 'success'
}
