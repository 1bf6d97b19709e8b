import { parseGithub } from '../github/webhook.ts'
import type { ParsedWebhook } from '../parsed-webhook.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Parses a verified payload of Gitea or Forgejo (docs.gitea.com, "Webhooks"), which is GitHub's but for a few
 * fields. `eventName` is the header `X-Gitea-Event`.
 */
export function parseGitea(eventName: string, payload: unknown): ParsedWebhook {
  const name = eventName === 'pull_request_sync' ? 'pull_request' : eventName
  if (typeof payload !== 'object' || payload === null) return parseGithub(name, payload)
  return parseGithub(name, asGithub(name, payload as Json))
}

function asGithub(eventName: string, payload: Json): Json {
  // The pusher has no `name` here; the sender is the same account.
  if (eventName === 'push') return { ...payload, pusher: null, head_commit: headOf(payload) }
  // For an annotated tag, `sha` is the tag object; the push event of the same tag has the commit.
  if (eventName === 'create') return { ...payload, sha: null }
  const { action } = payload
  return action === 'synchronized' ? { ...payload, action: 'synchronize' } : payload
}

/** Older versions list the head only among the commits. */
function headOf({ head_commit: head, commits, after }: Json): unknown {
  if (head) return head
  const all = Array.isArray(commits) ? (commits as (Json | null)[]) : []
  return all.find((one) => one?.['id'] === after) ?? null
}
