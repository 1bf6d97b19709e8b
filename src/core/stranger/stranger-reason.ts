/** Why a commit counts as a stranger's; described in contract/rest/stranger-words.ts. */
export const STRANGER_REASONS = [
  'other_repository',
  'head_gone',
  'agit',
  'head_ref_missing',
  'head_ref_odd',
  'polled_request',
  'other_ref',
  'unseen_commit',
  'listed_account',
  'unknown_account',
  'not_recorded',
] as const
export type StrangerReason = (typeof STRANGER_REASONS)[number]
