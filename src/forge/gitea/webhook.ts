import { parseGithub } from '../github/webhook.ts'
import type { ParsedWebhook } from '../parsed-webhook.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Reads a payload of Gitea or Forgejo whose signature has been checked (docs.gitea.com, "Webhooks").
 * They speak as GitHub does, but for a few words. `eventName` is the header `X-Gitea-Event`.
 */
export function parseGitea(eventName: string, payload: unknown): ParsedWebhook {
  const name = eventName === 'pull_request_sync' ? 'pull_request' : eventName
  if (typeof payload !== 'object' || payload === null) return parseGithub(name, payload)
  return parseGithub(name, inWordsOfGithub(name, payload as Json))
}

function inWordsOfGithub(eventName: string, payload: Json): Json {
  // A pusher has no `name` here; the sender is the same account.
  if (eventName === 'push') return { ...payload, pusher: null, head_commit: headOf(payload) }
  // Of an annotated tag it is the tag object's name; the push of the same tag tells the commit.
  if (eventName === 'create') return { ...payload, sha: null }
  const { action } = payload
  return action === 'synchronized' ? { ...payload, action: 'synchronize' } : payload
}

/** Older versions tell the head among the commits only. */
function headOf({ head_commit: head, commits, after }: Json): unknown {
  if (head) return head
  const all = Array.isArray(commits) ? (commits as (Json | null)[]) : []
  return all.find((one) => one?.['id'] === after) ?? null
}
