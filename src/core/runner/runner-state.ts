import type { Runner } from './runner.ts'

/** The desired state of a runner, set by people and dispatchers. */
export type DesiredState = Pick<Runner, 'draining' | 'asideReason' | 'allowedLabels'>

/** The state of a runner: from the members behind its link that report their load, and its desired state. */
export function runnerState(
  members: readonly { readonly draining: boolean }[],
  { draining, asideReason }: DesiredState,
): Runner['state'] {
  if (members.length === 0) return 'offline'
  if (asideReason !== undefined) return 'set_aside'
  return draining || members.every((member) => member.draining) ? 'draining' : 'online'
}

const MOST_LABELS = 100
const MOST_LABEL_CHARACTERS = 100

/** The effective labels of those a runner claims: if its token named some, only those. */
export function labelsOf(
  claimed: readonly string[],
  { allowedLabels }: Pick<DesiredState, 'allowedLabels'>,
): string[] {
  return claimed
    .filter((label) => label.length <= MOST_LABEL_CHARACTERS)
    .filter((label) => allowedLabels?.includes(label) ?? true)
    .slice(0, MOST_LABELS)
}
