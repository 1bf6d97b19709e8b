import { isRef, isZeroSha, type TrustFacts } from '../../core/commit-event.ts'
import { forgeAccount } from '../../core/stranger/update-bot.ts'
import { firstLine } from '../../lib/hostile-text.ts'
import { present } from '../../lib/present.ts'
import {
  commit,
  ignored,
  type ParsedWebhook,
  read,
  type WebhookCommit,
  type WebhookRepository,
} from '../parsed-webhook.ts'
import { requestFacts } from '../request-facts.ts'
import {
  type MergeRequest,
  mergeRequest,
  type Project,
  type Push,
  project,
  push,
} from './payloads.ts'

/**
 * Parses a verified payload of GitLab; see `ForgeHooks.parse`. `eventName` is the header `X-Gitlab-Event`.
 */
export function parseGitlab(eventName: string, payload: unknown): ParsedWebhook {
  switch (eventName) {
    case 'Push Hook':
    case 'Tag Push Hook':
      return parsePush(read(push, eventName, payload))
    case 'Merge Request Hook':
      return parseMergeRequest(read(mergeRequest, eventName, payload))
    default:
      return ignored(projectOf(payload), `event ${firstLine(eventName, 100)} is not supported`)
  }
}

function parsePush(payload: Push): ParsedWebhook {
  const { ref, before, after, commits, user_id: actorId } = payload
  const from = named(payload.project)
  const isTag = ref.startsWith('refs/tags/')
  if (!isTag && !ref.startsWith('refs/heads/')) {
    return ignored(from, `pushes to ${firstLine(ref, 100)} are not built`)
  }
  if (isZeroSha(after)) return { kind: 'gone', repository: from, ref, ...beforeOf(before) }
  if (before === after) return ignored(from, 'a test: nothing was moved')
  const sha = isTag ? (payload.checkout_sha ?? after) : after
  const head = commits?.find(({ id }) => id === sha)
  return commit(from, {
    kind: isTag ? 'tag' : 'push',
    ref,
    sha,
    title: head?.message ?? '',
    // Read from the commit, as the title is, if the payload doesn't have it.
    author: head ? (head.author?.name ?? payload.user_name ?? '') : '',
    facts: {
      ...present({ actorId }),
      repositoryId: from.forgeId,
      headRepositoryId: from.forgeId,
    },
    ...beforeOf(before),
    ...senderOf(payload.user_id, payload.user_username),
    ...(before && !isTag && !isZeroSha(before) ? { details: { base: before } } : {}),
  })
}

function parseMergeRequest(payload: MergeRequest): ParsedWebhook {
  const { object_attributes: request, user } = payload
  const from = named(payload.project)
  const { action, iid, last_commit: head } = request
  const { author_id: actorId, target_project_id: target } = request
  const ref = `refs/merge-requests/${iid}/head`
  if ((action === 'merge' || action === 'close') && target === from.forgeId) {
    const mergedOf = action === 'merge' && actorId ? { mergedOf: actorId } : {}
    return { kind: 'closed', repository: from, ref, ...mergedOf }
  }
  // An update without new commits changes the title, for example.
  const isBuilt =
    action === 'open' || action === 'reopen' || (action === 'update' && request.oldrev)
  if (!isBuilt) {
    return ignored(from, `merge request ${firstLine(action ?? 'test', 50)} is not built`)
  }
  return commit(from, {
    kind: 'pull_request',
    ref,
    sha: head.id,
    title: request.title,
    author: head.author?.name ?? user?.name ?? '',
    facts: mergeRequestFacts(payload),
    ...senderOf(user?.id, user?.username),
    ...(action === 'update' && request.oldrev ? { before: request.oldrev } : {}),
    ...(action === 'reopen' ? { occurrence: `reopened ${request.updated_at ?? ''}`.trim() } : {}),
    ...detailsOf(payload),
  })
}

function detailsOf({
  labels,
  object_attributes: request,
}: MergeRequest): Pick<WebhookCommit, 'details'> {
  const { target_branch: targetBranch, draft, work_in_progress, milestone_id } = request
  const isBranch = targetBranch && isRef(`refs/heads/${targetBranch}`)
  const details = {
    ...(isBranch ? { targetBranch } : {}),
    ...requestFacts({
      labels,
      draft: draft ?? work_in_progress,
      milestone: milestone_id === null ? null : undefined,
    }),
  }
  return Object.keys(details).length > 0 ? { details } : {}
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

/** Of a push: all zeros mean that the ref was created. */
function beforeOf(before: string | null | undefined): Pick<WebhookCommit, 'before'> {
  return before ? { before: isZeroSha(before) ? '' : before } : {}
}

function senderOf(
  id: number | null | undefined,
  name: string | null | undefined,
): Pick<WebhookCommit, 'sender'> {
  return id && name ? { sender: forgeAccount(id, name) } : {}
}

function named({ id, path_with_namespace }: Project): WebhookRepository {
  return { forgeId: id, fullName: path_with_namespace }
}

/** Undefined for events without a project. */
function projectOf(payload: unknown): WebhookRepository | undefined {
  const found = project.safeParse((payload as { project?: unknown } | null)?.project).data
  return found && named(found)
}
