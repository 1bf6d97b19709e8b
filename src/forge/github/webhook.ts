import { isRef, isZeroSha, type TrustFacts } from '../../core/commit-event.ts'
import { firstLine } from '../../lib/hostile-text.ts'
import { present } from '../../lib/present.ts'
import {
  malformed,
  type ParsedWebhook,
  read,
  shortened,
  type UnresolvedCommit,
  unresolved as unresolvedWebhook,
  type WebhookCommit,
} from '../parsed-webhook.ts'
import { parseMergeGroup } from './merge-group.ts'
import { commit, ignored, named, type RepositoryPayload, senderOf } from './parts.ts'
import {
  type Create,
  create,
  mergeGroup,
  type Push,
  push,
  type Release,
  release,
  repository,
} from './payloads.ts'
import { parsePullRequest } from './pull-request.ts'

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
    case 'merge_group':
      return parseMergeGroup(read(mergeGroup, eventName, payload))
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

/** Publishing a release may create its tag, without a push; the release itself is an event of that tag. */
function parseRelease(payload: Release): ParsedWebhook {
  const { action, release } = payload
  if (action !== 'published' || release.draft === true) {
    return ignored(payload.repository, `release ${firstLine(action, 50)} is not built`)
  }
  const ref = `refs/tags/${release.tag_name}`
  if (!isRef(ref)) throw malformed('release', ['release.tag_name: is not a well-formed tag name'])
  const { id, name, published_at: at, author } = release
  const tag = untitled(payload, ref)
  const published = {
    ...tag,
    kind: 'release',
    title: name || release.tag_name,
    author: author?.login ?? '',
    occurrence: `published ${[id, at].filter(Boolean).join(' ') || release.tag_name}`,
    details: { actions: ['published'] },
  } as const
  return {
    kind: 'unresolved',
    repository: named(payload.repository),
    events: [tag, shortened(published)],
    lookup: {},
  }
}

/** An event of the repository's own ref, about which the commit says the rest. */
function untitled(payload: Push | Create | Release, ref: string): UnresolvedCommit {
  const kind = ref.startsWith('refs/tags/') ? 'tag' : 'push'
  const facts = ownFacts(payload)
  return { kind, ref, title: '', author: '', facts, ...senderOf(payload.sender) }
}

/** Of a push: all zeros mean that the ref was created. */
function beforeOf(before: string | null | undefined): Pick<WebhookCommit, 'before'> {
  return before ? { before: isZeroSha(before) ? '' : before } : {}
}

/** A push needs write access, so the head is in the repository itself. */
function ownFacts({ repository, sender }: Push | Create | Release): TrustFacts {
  return {
    ...present({ actorId: sender?.id }),
    repositoryId: repository.id,
    headRepositoryId: repository.id,
  }
}

/** Undefined for events without a repository. */
function repositoryOf(payload: unknown): RepositoryPayload | undefined {
  if (typeof payload !== 'object' || payload === null || !Object.hasOwn(payload, 'repository')) {
    return undefined
  }
  return repository.safeParse((payload as { repository?: unknown }).repository).data
}
