import { createHmac, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { WebhookReply } from '../github.ts'

/** Deliveries of Gogs 0.14.3, as it sent them; see the folder `deliveries`. */
export type GogsCase =
  | 'annotated-tag-create'
  | 'branch-deleted'
  | 'empty-commit'
  | 'force-back'
  | 'force-to-unbuilt'
  | 'fork-pr-opened'
  | 'light-tag-create'
  | 'new-branch-25-commits'
  | 'new-branch-create'
  | 'new-branch-push'
  | 'pr-force-synchronized'
  | 'pr-merge-push'
  | 'pr-merged'
  | 'pr-opened'
  | 'pr-reopened'
  | 'pr-synchronized'
  | 'push-one'
  | 'push-three'
  | 'tag-deleted'

export interface GogsDelivery {
  readonly event: string
  readonly headers: Readonly<Record<string, string>>
  readonly payload: Readonly<Record<string, unknown>>
}

export function gogsDelivery(name: GogsCase): GogsDelivery {
  const file = new URL(`deliveries/${name}.json`, import.meta.url)
  const { headers, body } = JSON.parse(readFileSync(file, 'utf8')) as {
    headers: Record<string, string>
    body: Record<string, unknown>
  }
  return { event: headers['x-gogs-event'] ?? '', headers, payload: body }
}

/** Sends a delivery as Gogs does: the signature is that of the JSON, without a prefix. */
export async function deliverGogs(
  url: string,
  { headers, payload }: Pick<GogsDelivery, 'headers' | 'payload'>,
  { secret, id }: { secret: string; id?: string },
): Promise<WebhookReply> {
  const body = JSON.stringify(payload, null, 2)
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: {
      ...headers,
      'x-gogs-delivery': id ?? randomUUID(),
      'x-github-delivery': id ?? randomUUID(),
      'x-gogs-signature': createHmac('sha256', secret).update(body).digest('hex'),
    },
  })
  return { status: response.status, body: (await response.json()) as WebhookReply['body'] }
}
