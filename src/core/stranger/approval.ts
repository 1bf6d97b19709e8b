import type { Trust } from '../commit-event.ts'
import type { ChangedFiles } from './changed-files.ts'
import { isStranger } from './stranger.ts'

/**
 * Whose commits wait until somebody has approved that they are run at all: those of strangers of whom
 * no pull request of the repository was ever merged, those of all strangers, or nobody's.
 */
export const APPROVAL_RULES = ['first-time-contributors', 'all-strangers', 'nobody'] as const
export type ApprovalRule = (typeof APPROVAL_RULES)[number]

export const DEFAULT_APPROVAL: ApprovalRule = 'first-time-contributors'

/**
 * What is done about a stranger's commit that would not have to wait, and changes what is run: it waits
 * all the same, or not.
 */
export const PIPELINE_FILES_RULES = ['wait', 'run'] as const
export type PipelineFilesRule = (typeof PIPELINE_FILES_RULES)[number]

export const DEFAULT_PIPELINE_FILES: PipelineFilesRule = 'wait'

/** Why a commit waits for approval. Words for them are in contract/rest/stranger-words.ts. */
export const APPROVAL_REASONS = [
  'all_strangers',
  'listed_account',
  'account_unknown',
  'newcomer',
  'forge_unasked',
  'forge_silent',
  'pipeline_files',
  'files_unknown',
] as const
export type ApprovalReason = (typeof APPROVAL_REASONS)[number]

/** What a repository has chosen; absent: nobody has. */
export interface ApprovalRules {
  readonly approval?: ApprovalRule
  readonly pipelineFiles?: PipelineFilesRule
}

/** What is known of those whom a commit is by. */
export interface KnownAuthors {
  /** Its author, and whoever brought it, by the forge's numbers; none: it is not known who they are. */
  readonly accounts: readonly number[]
  /** Those of them of whom a pull request of the repository was merged. */
  readonly merged: ReadonlySet<number>
  /** Why it may be that more is true than is known. */
  readonly trouble?: AskTrouble
}

/** Why the forge has not said whether something of somebody was merged. */
export interface AskTrouble {
  readonly because: Extract<ApprovalReason, 'forge_unasked' | 'forge_silent'>
  /** What happened, in words. */
  readonly words?: string
}

/** Why it waits, with what there is to say besides. */
export interface WaitReason {
  readonly because: ApprovalReason
  readonly words?: string
}

/**
 * The accounts that a commit is by: its author, and whoever brought it. None where the author is not known, whose account
 * may be gone: whoever has touched the pull request since is not the one who wrote it.
 */
export function accountsOf({ actorId, senderId }: Trust): number[] {
  if (actorId === undefined) return []
  return [actorId, senderId].filter((id) => id !== undefined)
}

/**
 * Why a commit is to be run only once it is approved; undefined: it is run. To have been approved
 * before is no reason to be trusted. `changed`: absent where it is not known what the commit changes.
 */
export function reasonToWait(
  trust: Trust,
  { approval = DEFAULT_APPROVAL, pipelineFiles = DEFAULT_PIPELINE_FILES }: ApprovalRules,
  authors: KnownAuthors,
  changed: ChangedFiles | undefined,
): WaitReason | undefined {
  if (!isStranger(trust) || approval === 'nobody') return undefined
  if (approval === 'all-strangers') return { because: 'all_strangers' }
  // Of a program that brings others' work, much was merged: that says nothing of the next.
  if (trust.stranger === 'listed_account') return { because: 'listed_account' }
  const { accounts, merged, trouble } = authors
  if (accounts.length === 0) return trouble ?? { because: 'account_unknown' }
  if (!accounts.every((id) => merged.has(id))) return trouble ?? { because: 'newcomer' }
  if (pipelineFiles === 'run') return undefined
  if (changed === undefined) return { because: 'files_unknown' }
  return changed.pipeline.length > 0 ? { because: 'pipeline_files' } : undefined
}
