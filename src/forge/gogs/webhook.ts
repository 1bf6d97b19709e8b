import { z } from 'zod'
import { isRef } from '../../core/commit-event.ts'
import type { CommitLookup } from '../../core/delivery/commit-lookup.ts'
import { forgeAccount } from '../../core/stranger/update-bot.ts'
import { firstLine } from '../../lib/hostile-text.ts'
import { present } from '../../lib/present.ts'
import { parseGitea } from '../gitea/webhook.ts'
import { ignored, type ParsedWebhook, read, unresolved } from '../parsed-webhook.ts'
import { id } from '../payload-parts.ts'

const BUILT_ACTIONS: ReadonlySet<string> = new Set(['opened', 'synchronized', 'reopened'])

const account = z.object({ id, login: z.string() })
const repository = z.object({
  id,
  full_name: z.string().min(1).max(300),
  owner: z.object({ id }).optional().catch(undefined),
  updated_at: z.string().max(100).nullish().catch(undefined),
})

/** It has the commit neither of the head nor of the base. */
const pullRequest = z.object({
  action: z.string(),
  repository,
  sender: account.nullish(),
  pull_request: z.object({
    number: id,
    comments: z.number().nullish().catch(undefined),
    title: z.string(),
    user: account.nullish(),
    merged: z.unknown().optional(),
    head_branch: z.string().max(1000).nullish(),
    /** Null if it was deleted. */
    head_repo: repository.nullish(),
    base_branch: z.string().max(1000).nullish(),
    base_repo: repository.nullish(),
  }),
})
type PullRequest = z.infer<typeof pullRequest>

/**
 * Parses a verified payload of Gogs. What isn't about pull requests is that of an early Gitea: a push has the
 * newest five commits, newest first, and no head commit of its own. `eventName` is the header `X-Gogs-Event`.
 */
export function parseGogs(eventName: string, payload: unknown): ParsedWebhook {
  if (eventName !== 'pull_request') return parseGitea(eventName, payload)
  return parsePullRequest(read(pullRequest, eventName, payload))
}

function parsePullRequest(payload: PullRequest): ParsedWebhook {
  const { action, sender, pull_request: request } = payload
  const { number, title, user, base_branch: target } = request
  const { id: forgeId, full_name: fullName, owner } = payload.repository
  const from = { forgeId, fullName, ...present({ ownerId: owner?.id }) }
  const ref = `refs/pull/${number}/head`
  if (action === 'closed') {
    const isMerged = request.merged === true && request.base_repo?.id === forgeId
    const mergedOf = isMerged ? user?.id : undefined
    return { kind: 'closed', repository: from, ref, ...present({ mergedOf }) }
  }
  if (!BUILT_ACTIONS.has(action)) {
    return ignored(from, `pull request ${firstLine(action, 50)} is not built`)
  }
  const isBranch = target && isRef(`refs/heads/${target}`)
  const event = {
    kind: 'pull_request',
    ref,
    title,
    author: user?.login ?? 'ghost',
    facts: factsOf(payload),
    ...(action === 'reopened' ? { occurrence: reopening(payload) } : {}),
    ...(sender ? { sender: forgeAccount(sender.id, sender.login) } : {}),
    ...(isBranch ? { details: { targetBranch: target } } : {}),
  } as const
  return unresolved(from, event, lookupOf(payload))
}

/** A request has no time of its own. */
function reopening({ repository: own, pull_request: request }: PullRequest): string {
  return `reopened ${own.updated_at ?? ''} ${request.comments ?? ''}`.trim()
}

function factsOf({ repository: own, sender, pull_request: request }: PullRequest) {
  const { user, head_repo: head, base_repo: base, head_branch: headRef } = request
  return {
    ...present({ actorId: user?.id, senderId: sender?.id === user?.id ? undefined : sender?.id }),
    repositoryId: own.id,
    ...present({ baseRepositoryId: base?.id, headRepositoryId: head?.id, headRef }),
  }
}

function lookupOf({ action, repository: own, pull_request: request }: PullRequest): CommitLookup {
  const { head_branch: headBranch, head_repo: head } = request
  if (!headBranch || !head || !isRef(`refs/heads/${headBranch}`)) return {}
  const isReopened = action === 'reopened' ? ({ isReopened: true } as const) : {}
  return { headBranch, ...isReopened, ...(head.id === own.id ? {} : { fork: head.full_name }) }
}
