import type { ApprovalReason } from '../../core/stranger/approval.ts'
import type { StrangerReason } from '../../core/stranger/stranger-reason.ts'
import type { PipelineView } from './views.ts'

/** Why a commit counts as a stranger's, as the end of "it is a stranger's: …". */
export const STRANGER_WORDS: Readonly<Record<StrangerReason, string>> = {
  other_repository: 'its head is in another repository',
  head_gone: 'the repository of its head is gone',
  agit: 'it was pushed to refs/for/…, which whoever may read the repository can do',
  head_ref_missing: 'the forge has not told the branch of its head',
  head_ref_odd: 'its head is no branch',
  polled_request: 'it was found by polling, which does not tell whose pull request it is',
  other_ref: 'its ref is neither a branch nor a tag of the repository',
  unseen_commit: 'no branch or tag of the repository was found to have this commit',
  listed_account: 'the repository lists its account among the strangers',
  unknown_account:
    'it is not known whose it is, and the repository lists accounts that are strangers',
  not_recorded: 'a former version of Narwhal has not kept whose it is',
}

const APPROVAL_WORDS: Readonly<Record<ApprovalReason, string>> = {
  all_strangers: 'all strangers wait here',
  listed_account: 'its account is listed as a stranger here, so each of its commits is looked at',
  account_unknown: 'it is not known whose it is',
  newcomer: 'nothing of its author was ever merged here, or of who brought it',
  forge_unasked:
    'no merge of its author is known from webhooks, and the forge can not be asked: `narwhal repo link` gives the token for that',
  forge_silent: 'the forge has not said whether anything of its author was merged here',
  pipeline_files: 'it changes what is run',
  files_unknown: 'it is not known whether it changes what is run',
}

/**
 * Why a commit waits for approval, as the end of "it waits: …", with what there is to say besides, as
 * it was told; undefined: it does not wait, or no reason was kept.
 */
export function waitWords(approval: PipelineView['approval']): string | undefined {
  if (approval?.status !== 'needed' || !approval.because) return undefined
  const { because, words } = approval
  return `${APPROVAL_WORDS[because]}${words ? ` (${words})` : ''}`
}
