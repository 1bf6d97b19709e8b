import { isRef, type TrustFacts } from '../../core/commit-event.ts'
import { firstLine } from '../../lib/hostile-text.ts'
import { present } from '../../lib/present.ts'
import {
  type ParsedWebhook,
  read,
  shortened,
  type WebhookCommit,
  type WebhookRepository,
} from '../parsed-webhook.ts'
import { occurrenceOf, type RequestChange, withChange } from '../request-change.ts'
import { requestFacts } from '../request-facts.ts'
import { commit, ignored, named, senderOf } from './parts.ts'
import {
  type ClosedRequest,
  closedRequest,
  type PullRequest,
  type PullRequestChange,
  pullRequest,
  pullRequestChange,
} from './payloads.ts'

/** What has happened; undefined: nothing that narwhal.yml can ask for. */
export type ReadChange = (payload: PullRequestChange) => RequestChange | undefined

/** A pull request of GitHub; forges that send the same but for what has changed read that themselves. */
export function parsePullRequest(
  eventName: string,
  payload: unknown,
  readChange: ReadChange = githubChange,
): ParsedWebhook {
  const told = read(pullRequestChange, eventName, payload)
  const { action, repository } = told
  const change = readChange(told)
  const closed = action === 'closed' ? closedRequest.safeParse(payload).data : undefined
  if (closed) {
    const whole = pullRequest.safeParse(payload).data
    const event = whole && change && shortened(eventOf(whole, change))
    return { ...closing(closed, named(repository)), ...present({ event }) }
  }
  if (!change) return ignored(repository, `pull request ${firstLine(action, 50)} is not built`)
  return commit(repository, eventOf(read(pullRequest, eventName, payload), change))
}

/** GitHub's own actions; what was edited besides title and target is nothing to build. */
function githubChange(told: PullRequestChange): RequestChange | undefined {
  const { action, label, changes, pull_request: request } = told
  switch (action) {
    case 'synchronize':
      return { actions: ['synchronized'] }
    case 'opened':
    case 'reopened':
    case 'ready_for_review':
    case 'converted_to_draft':
      return { actions: [action] }
    case 'closed':
      return { actions: [action], ...present({ merged: request?.merged }) }
    case 'labeled':
      return { actions: [action], ...(label && { addedLabels: [label.name] }) }
    case 'unlabeled':
      return { actions: [action], ...(label && { removedLabels: [label.name] }) }
    case 'edited': {
      const formerBranch = changes?.base?.ref?.from
      const isEdited = formerBranch !== undefined || changes?.title != null
      return isEdited ? { actions: [action], ...present({ formerBranch }) } : undefined
    }
    default:
      return undefined
  }
}

function eventOf(payload: PullRequest, change: RequestChange): WebhookCommit {
  const { number, title, user, head, updated_at: changedAt } = payload.pull_request
  const details = withChange(change, detailsOf(payload))
  const isMove = change.actions[0] === 'synchronized'
  return {
    kind: 'pull_request',
    ref: `refs/pull/${number}/head`,
    sha: head.sha,
    title,
    author: user?.login ?? 'ghost',
    facts: pullRequestFacts(payload),
    ...(isMove && payload.before ? { before: payload.before } : {}),
    ...occurrenceOf(change, changedAt, title, details),
    ...senderOf(payload.sender),
    details,
  }
}

/** An author merged into this very repository is no longer a first-time contributor. */
function closing({ pull_request }: ClosedRequest, repository: WebhookRepository) {
  const { number, user, merged, base } = pull_request
  const isMerged = merged === true && base?.repo.id === repository.forgeId
  return {
    kind: 'closed',
    repository,
    ref: `refs/pull/${number}/head`,
    ...(isMerged && user ? { mergedOf: user.id } : {}),
  } as const
}

function detailsOf({ pull_request }: PullRequest) {
  const { base, labels, draft, milestone } = pull_request
  const isBranch = base.ref && isRef(`refs/heads/${base.ref}`)
  return {
    ...present({ base: base.sha, targetBranch: isBranch ? base.ref : undefined }),
    ...requestFacts({ labels, draft, milestone }),
  }
}

function pullRequestFacts(payload: PullRequest): TrustFacts {
  const { repository, sender, pull_request: request } = payload
  const { user, base, flow } = request
  const { repo: head, ref: headRef, label: headLabel } = request.head
  const isOther = sender && sender.id !== user?.id
  return {
    ...present({ actorId: user?.id, senderId: isOther ? sender.id : undefined }),
    repositoryId: repository.id,
    baseRepositoryId: base.repo.id,
    ...present({ headRepositoryId: head?.id, headRef, headLabel }),
    ...(flow === undefined || flow === null || flow === 0 ? {} : { flow: true }),
  }
}
