import { firstLine } from '../../lib/hostile-text.ts'
import { present } from '../../lib/present.ts'
import type { ParsedWebhook } from '../parsed-webhook.ts'
import { commit, ignored, senderOf } from './parts.ts'
import type { MergeGroup } from './payloads.ts'

const BRANCHES = 'refs/heads/'

/**
 * A group of a merge queue: the target branch with some pull requests, at a branch that GitHub makes. It is
 * pushed as well, without the target; adding to a queue takes write access, as a push does.
 */
export function parseMergeGroup(payload: MergeGroup): ParsedWebhook {
  const { action, merge_group: group, repository, sender } = payload
  if (action !== 'checks_requested') {
    return ignored(repository, `merge group ${firstLine(action, 50)} is not built`)
  }
  const {
    head_ref: ref,
    head_sha: sha,
    base_ref: target,
    base_sha: base,
    head_commit: head,
  } = group
  if (!ref.startsWith(BRANCHES)) {
    return ignored(repository, `merge groups at ${firstLine(ref, 100)} are not built`)
  }
  const isBranch = target?.startsWith(BRANCHES)
  return commit(repository, {
    kind: 'merge_group',
    ref,
    sha,
    title: head?.message ?? '',
    author: head?.author?.name ?? '',
    facts: {
      ...present({ actorId: sender?.id }),
      repositoryId: repository.id,
      headRepositoryId: repository.id,
    },
    occurrence: 'checks_requested',
    ...senderOf(sender),
    details: {
      actions: ['checks_requested'],
      ...present({ base, targetBranch: isBranch ? target?.slice(BRANCHES.length) : undefined }),
    },
  })
}
