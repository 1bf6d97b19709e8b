import { z } from 'zod'
import { isRef } from '../../core/commit-event.ts'
import { firstLine } from '../../lib/hostile-text.ts'
import { present } from '../../lib/present.ts'
import { repository } from '../github/payloads.ts'
import { parsePullRequest } from '../github/pull-request.ts'
import { parseGithub } from '../github/webhook.ts'
import { ignored, type ParsedWebhook, read } from '../parsed-webhook.ts'
import { giteaChange } from './pull-request.ts'

/** The header says `pull_request` of all of them in current versions. */
const PULL_REQUEST_EVENTS: ReadonlySet<string> = new Set([
  'pull_request',
  'pull_request_sync',
  'pull_request_label',
])

type Json = Readonly<Record<string, unknown>>

/**
 * Parses a verified payload of Gitea or Forgejo (docs.gitea.com, "Webhooks"), which is GitHub's but for a few
 * fields. `eventName` is the header `X-Gitea-Event`.
 */
export function parseGitea(eventName: string, payload: unknown): ParsedWebhook {
  if (eventName === 'delete') return parseDelete(read(deleted, eventName, payload))
  if (PULL_REQUEST_EVENTS.has(eventName)) {
    return parsePullRequest('pull_request', payload, giteaChange)
  }
  if (typeof payload !== 'object' || payload === null) return parseGithub(eventName, payload)
  return parseGithub(eventName, asGithub(eventName, payload as Json))
}

/** A deletion: unlike GitHub, no push tells of it. The short name. */
const deleted = z.object({ ref: z.string().max(1000), ref_type: z.string(), repository })

function parseDelete({ ref: name, ref_type: type, repository }: z.infer<typeof deleted>) {
  const { id: forgeId, full_name: fullName, owner } = repository
  const from = { forgeId, fullName, ...present({ ownerId: owner?.id }) }
  const folder = type === 'branch' ? 'heads' : 'tags'
  const ref = `refs/${folder}/${name}`
  const isKnown = (type === 'branch' || type === 'tag') && !name.startsWith('refs/') && isRef(ref)
  return isKnown
    ? ({ kind: 'gone', repository: from, ref } as const)
    : ignored(from, `${firstLine(`${type} ${name}`, 100)} is neither a branch nor a tag`)
}

function asGithub(eventName: string, payload: Json): Json {
  // The pusher has no `name` here; the sender is the same account.
  if (eventName === 'push') {
    const repository = stamped(payload['repository'])
    return { ...payload, pusher: null, head_commit: headOf(payload), repository }
  }
  return payload
}

/** Each push changes when the repository was updated. */
function stamped(repository: unknown): unknown {
  if (typeof repository !== 'object' || repository === null) return repository
  return { ...repository, pushed_at: (repository as Json)['updated_at'] }
}

/** Older versions list the head only among the commits. */
function headOf({ head_commit: head, commits, after }: Json): unknown {
  if (head) return head
  const all = Array.isArray(commits) ? (commits as (Json | null)[]) : []
  return all.find((one) => one?.['id'] === after) ?? null
}
