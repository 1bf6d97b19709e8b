import { isRef, type TrustFacts } from '../../core/commit-event.ts'
import type { EventAction } from '../../core/event-actions.ts'
import { firstLine } from '../../lib/hostile-text.ts'
import { present } from '../../lib/present.ts'
import {
  commit,
  ignored,
  type ParsedWebhook,
  shortened,
  type WebhookCommit,
} from '../parsed-webhook.ts'
import {
  isSameButForMark,
  occurrenceOf,
  type RequestChange,
  withChange,
} from '../request-change.ts'
import { requestFacts } from '../request-facts.ts'
import { named, senderOf } from './parts.ts'
import type { MergeRequest } from './payloads.ts'

export function parseMergeRequest(payload: MergeRequest): ParsedWebhook {
  const { object_attributes: request, project } = payload
  const from = named(project)
  const { action, iid, author_id: actorId, target_project_id: target } = request
  const change = changeOf(payload)
  if (!change) {
    return ignored(from, `merge request ${firstLine(action ?? 'test', 50)} is not built`)
  }
  const event = eventOf(payload, change)
  if (change.actions[0] !== 'closed') return commit(from, event)
  if (target !== from.forgeId) return ignored(from, 'merge request of another project is not built')
  const ref = `refs/merge-requests/${iid}/head`
  const mergedOf = action === 'merge' && actorId ? { mergedOf: actorId } : {}
  return { kind: 'closed', repository: from, ref, ...mergedOf, event: shortened(event) }
}

function changeOf(payload: MergeRequest): RequestChange | undefined {
  const { action, oldrev } = payload.object_attributes
  switch (action ?? '') {
    case 'open':
      return { actions: ['opened'] }
    case 'reopen':
      return { actions: ['reopened'] }
    case 'close':
    case 'merge':
      return { actions: ['closed'], merged: action === 'merge' }
    case 'update':
      // New commits. What it says about labels then may not have changed at all.
      return oldrev ? { actions: ['synchronized'] } : updateOf(payload)
    default:
      return undefined
  }
}

/** One update can change several things; nothing that narwhal.yml can ask for: undefined. */
function updateOf({ changes }: MergeRequest): RequestChange | undefined {
  const { title, target_branch: target, labels } = changes ?? {}
  const draft = changes?.draft ?? changes?.work_in_progress
  const before = labels?.previous ?? []
  const after = labels?.current ?? []
  const addedLabels = after.filter((name) => !before.includes(name))
  const removedLabels = before.filter((name) => !after.includes(name))
  const isDraftChanged = draft?.current !== undefined && draft.current !== draft.previous
  const isRenamed =
    title?.current !== undefined && !isSameButForMark(title.previous ?? '', title.current)
  const [first, ...others]: EventAction[] = [
    ...(isDraftChanged
      ? ([draft.current ? 'converted_to_draft' : 'ready_for_review'] as const)
      : []),
    ...(isRenamed || target?.previous ? (['edited'] as const) : []),
    ...(addedLabels.length > 0 ? (['labeled'] as const) : []),
    ...(removedLabels.length > 0 ? (['unlabeled'] as const) : []),
  ]
  if (!first) return undefined
  const isOfLabels = addedLabels.length + removedLabels.length > 0
  return {
    actions: [first, ...others],
    ...(isOfLabels ? { addedLabels, removedLabels } : {}),
    ...present({ formerBranch: target?.previous }),
  }
}

function eventOf(payload: MergeRequest, change: RequestChange): WebhookCommit {
  const { object_attributes: request, user } = payload
  const { iid, last_commit: head, title, updated_at: changedAt, oldrev } = request
  const details = withChange(change, detailsOf(payload))
  return {
    kind: 'pull_request',
    ref: `refs/merge-requests/${iid}/head`,
    sha: head.id,
    title,
    author: head.author?.name ?? user?.name ?? '',
    facts: mergeRequestFacts(payload),
    ...senderOf(user?.id, user?.username),
    ...(change.actions[0] === 'synchronized' && oldrev ? { before: oldrev } : {}),
    ...occurrenceOf(change, changedAt, title, details),
    details,
  }
}

function detailsOf({ labels, object_attributes: request }: MergeRequest) {
  const { target_branch: targetBranch, draft, work_in_progress, milestone_id } = request
  const isBranch = targetBranch && isRef(`refs/heads/${targetBranch}`)
  return {
    ...(isBranch ? { targetBranch } : {}),
    ...requestFacts({
      labels,
      draft: draft ?? work_in_progress,
      milestone: milestone_id === null ? null : undefined,
    }),
  }
}

function mergeRequestFacts({
  project,
  user,
  object_attributes: request,
}: MergeRequest): TrustFacts {
  const { author_id: actorId, source_project_id: head, target_project_id: base } = request
  const { source_branch: headRef } = request
  return {
    ...present({ actorId, senderId: user?.id === actorId ? undefined : user?.id }),
    repositoryId: project.id,
    baseRepositoryId: base,
    ...present({ headRepositoryId: head, headRef }),
  }
}
