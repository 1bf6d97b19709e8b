import type { StrangerReason } from '../core/stranger.ts'

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
