import type { z } from 'zod'
import { isRef, isZeroSha, type TrustFacts } from '../../core/commit-event.ts'
import { forgeAccount } from '../../core/stranger/update-bot.ts'
import { firstLine } from '../../lib/hostile-text.ts'
import { present } from '../../lib/present.ts'
import {
  commit as buildCommit,
  ignored as ignoredWebhook,
  malformed,
  type ParsedWebhook,
  read,
  type UnresolvedCommit,
  unresolved as unresolvedWebhook,
  type WebhookCommit,
  type WebhookRepository,
} from '../parsed-webhook.ts'
import { requestFacts } from '../request-facts.ts'
import {
  type ClosedRequest,
  type Create,
  closedRequest,
  create,
  type PullRequest,
  type Push,
  pullRequest,
  pullRequestAction,
  push,
  type Release,
  release,
  repository,
} from './payloads.ts'

const BUILT_ACTIONS: ReadonlySet<string> = new Set([
  'opened',
  'synchronize',
  'reopened',
  'ready_for_review',
])

/** Where the refs of a `ref_type` are. */
const FOLDERS: ReadonlyMap<string, string> = new Map([
  ['branch', 'heads'],
  ['tag', 'tags'],
])

/**
 * Parses a verified payload of GitHub; see `ForgeHooks.parse`. `eventName` is the header `X-GitHub-Event`.
 */
export function parseGithub(eventName: string, payload: unknown): ParsedWebhook {
  switch (eventName) {
    case 'push':
      return parsePush(read(push, eventName, payload))
    case 'create':
      return parseCreate(read(create, eventName, payload))
    case 'release':
      return parseRelease(read(release, eventName, payload))
    case 'pull_request':
      return parsePullRequest(eventName, payload)
    case 'ping':
      return ignored(repositoryOf(payload), 'ping')
    default:
      return ignored(repositoryOf(payload), `event ${firstLine(eventName, 100)} is not supported`)
  }
}

function parsePush(payload: Push): ParsedWebhook {
  const { ref, before, after, head_commit: head, sender } = payload
  const isTag = ref.startsWith('refs/tags/')
  if (!isTag && !ref.startsWith('refs/heads/')) {
    return ignored(payload.repository, `pushes to ${firstLine(ref, 100)} are not built`)
  }
  if (payload.deleted || isZeroSha(after)) {
    return { kind: 'gone', repository: named(payload.repository), ref, ...beforeOf(before) }
  }
  if (before === after) return ignored(payload.repository, 'a test: nothing was moved')
  const move = {
    ...beforeOf(before),
    ...present({ stamp: payload.repository.pushed_at?.toString() }),
  }
  if (isTag && !head) {
    // A commit, or the object of an annotated tag.
    const event = { ...untitled(payload, ref), ...move }
    return unresolvedWebhook(named(payload.repository), event, { object: after })
  }
  const sha = isTag && head ? head.id : after
  const author = head?.author?.name ?? payload.pusher?.name ?? sender?.login ?? ''
  return commit(payload.repository, {
    kind: isTag ? 'tag' : 'push',
    ref,
    sha,
    // Read from the commit if the payload has another one, as after a push back to an earlier one.
    ...(head?.id === sha ? { title: head.message, author } : { title: '', author: '' }),
    facts: ownFacts(payload),
    ...move,
    ...senderOf(sender),
    ...(before && !isTag && !isZeroSha(before) ? { details: { base: before } } : {}),
  })
}

/** A branch or a tag; not every forge sends its push, too, and none says which commit it is at. */
function parseCreate(payload: Create): ParsedWebhook {
  const { ref_type: type, ref: name, sha: object } = payload
  const folder = FOLDERS.get(type)
  if (!folder || name.startsWith('refs/')) {
    const what = firstLine(`${type} ${name}`, 100)
    return ignored(payload.repository, `${what} is neither a branch nor a tag`)
  }
  const ref = `refs/${folder}/${name}`
  if (!isRef(ref)) throw malformed('create', [`ref: is not a well-formed ${type} name`])
  return unresolvedWebhook(named(payload.repository), untitled(payload, ref), present({ object }))
}

/** Publishing a release may create its tag, without a push. */
function parseRelease(payload: Release): ParsedWebhook {
  const { action, release } = payload
  if (action !== 'published' || release.draft === true) {
    return ignored(payload.repository, `release ${firstLine(action, 50)} is not built`)
  }
  const ref = `refs/tags/${release.tag_name}`
  if (!isRef(ref)) throw malformed('release', ['release.tag_name: is not a well-formed tag name'])
  return unresolvedWebhook(named(payload.repository), untitled(payload, ref), {})
}

/** An event of the repository's own ref, about which the commit says the rest. */
function untitled(payload: Push | Create | Release, ref: string): UnresolvedCommit {
  const kind = ref.startsWith('refs/tags/') ? 'tag' : 'push'
  const facts = ownFacts(payload)
  return { kind, ref, title: '', author: '', facts, ...senderOf(payload.sender) }
}

function parsePullRequest(eventName: string, payload: unknown): ParsedWebhook {
  const { action, repository } = read(pullRequestAction, eventName, payload)
  const closed = action === 'closed' ? closedRequest.safeParse(payload).data : undefined
  if (closed) return closing(closed, named(repository))
  if (!BUILT_ACTIONS.has(action)) {
    return ignored(repository, `pull request ${firstLine(action, 50)} is not built`)
  }
  const request = read(pullRequest, eventName, payload)
  const { number, title, user, head, updated_at: at } = request.pull_request
  return commit(repository, {
    kind: 'pull_request',
    ref: `refs/pull/${number}/head`,
    sha: head.sha,
    title,
    author: user?.login ?? 'ghost',
    facts: pullRequestFacts(request),
    ...(action === 'synchronize' && request.before ? { before: request.before } : {}),
    ...(action === 'reopened' ? { occurrence: `reopened ${at ?? ''}`.trim() } : {}),
    ...senderOf(request.sender),
    ...detailsOf(request),
  })
}

/** An author merged into this very repository is no longer a first-time contributor. */
function closing({ pull_request }: ClosedRequest, repository: WebhookRepository): ParsedWebhook {
  const { number, user, merged, base } = pull_request
  const isMerged = merged === true && base?.repo.id === repository.forgeId
  return {
    kind: 'closed',
    repository,
    ref: `refs/pull/${number}/head`,
    ...(isMerged && user ? { mergedOf: user.id } : {}),
  }
}

function detailsOf({ pull_request }: PullRequest): Pick<WebhookCommit, 'details'> {
  const { base, labels, draft, milestone } = pull_request
  const isBranch = base.ref && isRef(`refs/heads/${base.ref}`)
  const details = {
    ...present({ base: base.sha, targetBranch: isBranch ? base.ref : undefined }),
    ...requestFacts({ labels, draft, milestone }),
  }
  return Object.keys(details).length > 0 ? { details } : {}
}

/** Of a push: all zeros mean that the ref was created. */
function beforeOf(before: string | null | undefined): Pick<WebhookCommit, 'before'> {
  return before ? { before: isZeroSha(before) ? '' : before } : {}
}

function senderOf(sender: Push['sender']): Pick<WebhookCommit, 'sender'> {
  return sender ? { sender: forgeAccount(sender.id, sender.login, sender.type) } : {}
}

/** A push needs write access, so the head is in the repository itself. */
function ownFacts({ repository, sender }: Push | Create | Release): TrustFacts {
  return {
    ...present({ actorId: sender?.id }),
    repositoryId: repository.id,
    headRepositoryId: repository.id,
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

type RepositoryPayload = z.infer<typeof repository>

function commit(from: RepositoryPayload, event: WebhookCommit): ParsedWebhook {
  return buildCommit(named(from), event)
}

function ignored(from: RepositoryPayload | undefined, reason: string): ParsedWebhook {
  return ignoredWebhook(from && named(from), reason)
}

function named({ id, full_name, owner }: RepositoryPayload): WebhookRepository {
  return { forgeId: id, fullName: full_name, ...present({ ownerId: owner?.id }) }
}

/** Undefined for events without a repository. */
function repositoryOf(payload: unknown): RepositoryPayload | undefined {
  if (typeof payload !== 'object' || payload === null || !Object.hasOwn(payload, 'repository')) {
    return undefined
  }
  return repository.safeParse((payload as { repository?: unknown }).repository).data
}
