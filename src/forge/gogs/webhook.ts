import { parseGitea } from '../gitea/webhook.ts'
import type { ParsedWebhook } from '../parsed-webhook.ts'

/**
 * Parses a verified payload of Gogs, whose pushes are those of an early Gitea: the commits are the newest
 * five, newest first, without a head commit of their own. `eventName` is the header `X-Gogs-Event`.
 */
export function parseGogs(eventName: string, payload: unknown): ParsedWebhook {
  return parseGitea(eventName, payload)
}
