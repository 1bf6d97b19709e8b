import type { Trust } from './commit-event.ts'
import { isStranger } from './stranger.ts'

/**
 * Whose commits wait until somebody has approved that they are run at all: those of strangers of whom
 * no pull request of the repository was ever merged, those of all strangers, or nobody's.
 */
export const APPROVAL_RULES = ['first-time-contributors', 'all-strangers', 'nobody'] as const
export type ApprovalRule = (typeof APPROVAL_RULES)[number]

export const DEFAULT_APPROVAL: ApprovalRule = 'first-time-contributors'

/** The accounts that a commit is by: its author, and whoever brought it. */
export function accountsOf({ actorId, senderId }: Trust): number[] {
  return [actorId, senderId].filter((id) => id !== undefined)
}

/**
 * Whether a commit is to be run only once it is approved. `merged`: those of its accounts of whom a pull
 * request of the repository was merged. To have been approved before is no reason to be trusted.
 */
export function awaitsApproval(
  trust: Trust,
  rule: ApprovalRule,
  merged: ReadonlySet<number>,
): boolean {
  if (!isStranger(trust) || rule === 'nobody') return false
  if (rule === 'all-strangers') return true
  const accounts = accountsOf(trust)
  return accounts.length === 0 || !accounts.every((id) => merged.has(id))
}
