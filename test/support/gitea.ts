import { createHmac, randomUUID } from 'node:crypto'
import type { ForgeRepository, WebhookReply } from './github.ts'

/** Sends a webhook as Gitea and Forgejo do. */
export async function deliverGitea(
  agentUrl: string,
  { event, payload, secret }: { event: string; payload: object; secret: string },
): Promise<WebhookReply> {
  const body = JSON.stringify(payload)
  const response = await fetch(`${agentUrl}/webhooks/gitea`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-gitea-event': event,
      'x-gitea-delivery': randomUUID(),
      'x-gitea-signature': createHmac('sha256', secret).update(body).digest('hex'),
    },
  })
  return { status: response.status, body: (await response.json()) as WebhookReply['body'] }
}

/** A pull request that was pushed to `refs/for/main`, which requires only read access. */
export function agitPayload(
  { id, fullName }: ForgeRepository,
  { number, sha, base }: { number: number; sha: string; base: string },
): object {
  const mallory = { id: 9999, login: 'mallory', username: 'mallory' }
  const repository = { id, full_name: fullName, name: fullName.split('/')[1], fork: false }
  return {
    action: 'opened',
    number,
    pull_request: {
      id: 900 + number,
      number,
      title: 'Change',
      user: mallory,
      head: { label: '', ref: `refs/pull/${number}/head`, sha, repo_id: id, repo: repository },
      base: { label: 'main', ref: 'main', sha: base, repo_id: id, repo: repository },
      flow: 1,
    },
    repository,
    sender: mallory,
  }
}
