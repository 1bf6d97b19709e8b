import { isZeroSha } from '../../core/commit-event.ts'
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
import { parseMergeRequest } from './merge-request.ts'
import { named, senderOf } from './parts.ts'
import { mergeRequest, type Push, project, push, release } from './payloads.ts'
import { parseRelease } from './release.ts'

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
    case 'Release Hook':
      return parseRelease(read(release, eventName, payload))
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

/** Of a push: all zeros mean that the ref was created. */
function beforeOf(before: string | null | undefined): Pick<WebhookCommit, 'before'> {
  return before ? { before: isZeroSha(before) ? '' : before } : {}
}

/** Undefined for events without a project. */
function projectOf(payload: unknown): WebhookRepository | undefined {
  const found = project.safeParse((payload as { project?: unknown } | null)?.project).data
  return found && named(found)
}
