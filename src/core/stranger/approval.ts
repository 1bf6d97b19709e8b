import type { Trust } from '../commit-event.ts'
import type { ChangedFiles } from './changed-files.ts'
import { isStranger } from './stranger.ts'

/**
 * Whose commits wait for approval before anything runs: those of strangers without a merged pull request in
 * the repository, those of all strangers, or nobody's.
 */
export const APPROVAL_RULES = ['first-time-contributors', 'all-strangers', 'nobody'] as const
export type ApprovalRule = (typeof APPROVAL_RULES)[number]

export const DEFAULT_APPROVAL: ApprovalRule = 'first-time-contributors'

/** Whether a stranger's commit that need not wait otherwise waits if it changes pipeline files. */
export const PIPELINE_FILES_RULES = ['wait', 'run'] as const
export type PipelineFilesRule = (typeof PIPELINE_FILES_RULES)[number]

export const DEFAULT_PIPELINE_FILES: PipelineFilesRule = 'wait'

/** Why a commit waits for approval; described in contract/rest/stranger-words.ts. */
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

/** A repository's settings; absent: the defaults. */
export interface ApprovalRules {
  readonly approval?: ApprovalRule
  readonly pipelineFiles?: PipelineFilesRule
}

/** What is known about a commit's authors. */
export interface KnownAuthors {
  /** Its author and its sender, by the forge's numbers; empty: unknown. */
  readonly accounts: readonly number[]
  /** Those with a merged pull request in the repository. */
  readonly merged: ReadonlySet<number>
  /** Set if the forge couldn't be asked, so more may be true than is known. */
  readonly trouble?: AskTrouble
}

/** Why the forge didn't say whether an author's pull request was merged. */
export interface AskTrouble {
  readonly because: Extract<ApprovalReason, 'forge_unasked' | 'forge_silent'>
  readonly words?: string
}

/** Why it waits, with details. */
export interface WaitReason {
  readonly because: ApprovalReason
  readonly words?: string
}

/**
 * The accounts that a commit is by: its author and its sender. None if the author is unknown, for example
 * because the account was deleted: the sender alone may be someone who only touched the pull request.
 */
export function accountsOf({ actorId, senderId }: Trust): number[] {
  if (actorId === undefined) return []
  return [actorId, senderId].filter((id) => id !== undefined)
}

/**
 * Why a commit must be approved before it runs; undefined: it runs. An earlier approval is no reason for
 * trust. `changed`: undefined if it is not known what the commit changes.
 */
export function reasonToWait(
  trust: Trust,
  { approval = DEFAULT_APPROVAL, pipelineFiles = DEFAULT_PIPELINE_FILES }: ApprovalRules,
  authors: KnownAuthors,
  changed: ChangedFiles | undefined,
): WaitReason | undefined {
  if (!isStranger(trust) || approval === 'nobody') return undefined
  if (approval === 'all-strangers') return { because: 'all_strangers' }
  // Bots that submit others' work have many merged pull requests: that says nothing about the next.
  if (trust.stranger === 'listed_account') return { because: 'listed_account' }
  const { accounts, merged, trouble } = authors
  if (accounts.length === 0) return trouble ?? { because: 'account_unknown' }
  if (!accounts.every((id) => merged.has(id))) return trouble ?? { because: 'newcomer' }
  if (pipelineFiles === 'run') return undefined
  if (changed === undefined) return { because: 'files_unknown' }
  return changed.pipeline.length > 0 ? { because: 'pipeline_files' } : undefined
}
