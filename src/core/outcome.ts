/**
 * How something ended. `failure` is the user's; `error` is ours or the world's (image pull, runner
 * lost, clone); `skipped` never ran because something it needs did not succeed.
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

/** From the worst to the best: what a whole says when its parts differ. */
const SEVERITY: readonly Outcome[] = [
  'cancelled',
  'error',
  'timeout',
  'failure',
  'skipped',
  'success',
]

/** The outcome of a whole whose parts ended so; a whole without parts is a success. */
export function worstOutcome(outcomes: Iterable<Outcome>): Outcome {
  let worst = SEVERITY.length - 1
  for (const outcome of outcomes) worst = Math.min(worst, SEVERITY.indexOf(outcome))
  return SEVERITY[worst] ?? 'success'
}
