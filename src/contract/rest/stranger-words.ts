import type { ApprovalReason } from '../../core/stranger/approval.ts'
import type { StrangerReason } from '../../core/stranger/stranger-reason.ts'
import type { PipelineView } from './views.ts'

/** Why a commit counts as a stranger's; completes "it is a stranger's: …". */
export const STRANGER_WORDS: Readonly<Record<StrangerReason, string>> = {
  other_repository: 'its head is in another repository',
  head_gone: 'the repository of its head was deleted',
  agit: 'it was pushed to refs/for/…, which anyone with read access can do',
  head_ref_missing: 'the forge did not report the branch of its head',
  head_ref_odd: 'its head is not a branch',
  polled_request: 'it was found by polling, which does not show whose pull request it is',
  other_ref: 'its ref is neither a branch nor a tag of the repository',
  unseen_commit: 'no branch or tag of the repository was found to have this commit',
  listed_account: 'the repository lists its account as a stranger',
  unknown_account: 'its author is unknown, and the repository lists accounts as strangers',
  not_recorded: 'an earlier version of Narwhal did not record its author',
}

const APPROVAL_WORDS: Readonly<Record<ApprovalReason, string>> = {
  all_strangers: 'this repository requires approval for all strangers',
  listed_account: 'its account is listed as a stranger here, so each of its commits is reviewed',
  account_unknown: 'its author is unknown',
  newcomer: 'its author or sender is a first-time contributor',
  forge_unasked:
    "no merge of its author is known from webhooks, and the forge can't be asked: set a token with `narwhal repo link`",
  forge_silent: 'the forge did not say whether anything of its author was merged here',
  pipeline_files: 'it changes pipeline files',
  files_unknown: 'it is not known whether it changes pipeline files',
}

/**
 * Why a commit waits for approval, with details; completes "it waits: …". Undefined: it doesn't wait, or no
 * reason was stored.
 */
export function waitWords(approval: PipelineView['approval']): string | undefined {
  if (approval?.status !== 'needed' || !approval.because) return undefined
  const { because, words } = approval
  return `${APPROVAL_WORDS[because]}${words ? ` (${words})` : ''}`
}
