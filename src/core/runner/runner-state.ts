import type { Runner } from './runner.ts'

/** What people and the dispatchers want of a runner, whatever it says itself. */
export type RunnerWishes = Pick<Runner, 'draining' | 'asideReason' | 'allowedLabels'>

/** How a runner stands, by those behind its link who tell their load, and by what is wanted of it. */
export function runnerState(
  members: readonly { readonly draining: boolean }[],
  { draining, asideReason }: RunnerWishes,
): Runner['state'] {
  if (members.length === 0) return 'offline'
  if (asideReason !== undefined) return 'set_aside'
  return draining || members.every((member) => member.draining) ? 'draining' : 'online'
}

const MOST_LABELS = 100
const MOST_LABEL_CHARACTERS = 100

/** The labels that a runner has of those that it says: they are granted, not claimed, where a token said which. */
export function labelsOf(
  claimed: readonly string[],
  { allowedLabels }: Pick<RunnerWishes, 'allowedLabels'>,
): string[] {
  return claimed
    .filter((label) => label.length <= MOST_LABEL_CHARACTERS)
    .filter((label) => allowedLabels?.includes(label) ?? true)
    .slice(0, MOST_LABELS)
}
