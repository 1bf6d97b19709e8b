import { createHmac, randomUUID } from 'node:crypto'
import type { TestedDelivery } from '../contract/rest-insights.ts'
import type { WebhookForge } from '../core/forge.ts'
import { describeConnectError } from '../lib/connect-errors.ts'
import type { RepositoryRecord } from '../store/records.ts'

const TIMEOUT_MS = 10_000
/** No forge has come so far: it stands for an id that is not known yet, and a ping leaves none behind. */
const NO_FORGE_ID = 2 ** 52

export interface Pinged extends Pick<RepositoryRecord, 'name' | 'forgeId'> {
  readonly forge: WebhookForge
  readonly secret: string
}

/**
 * Sends a ping to a webhook URL as the repository's forge would, signed with its secret: whether the
 * URL leads to this Narwhal's agent and the secrets agree. Only the status and Narwhal's own word
 * for it are told, never what another server says.
 */
export async function testDelivery(repository: Pinged, url: string): Promise<TestedDelivery> {
  const { body, headers } = pingOf(repository)
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const answer = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' })
    return describe(answer.status, await answer.json().catch(() => undefined))
  } catch (error) {
    return { ok: false, words: `${url} does not answer: ${describeConnectError(error)}` }
  }
}

/** What the forge of the repository would send to try its webhook. */
function pingOf({ name, forgeId, forge, secret }: Pinged) {
  const id = forgeId ?? NO_FORGE_ID
  const body = JSON.stringify(
    forge === 'gitlab'
      ? { object_kind: 'test', project: { id, path_with_namespace: name } }
      : { zen: 'A test delivery of Narwhal.', repository: { id, full_name: name } },
  )
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  const proofs: Readonly<Record<WebhookForge, Record<string, string>>> = {
    github: {
      'x-github-event': 'ping',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${signature}`,
    },
    gitea: {
      'x-gitea-event': 'ping',
      'x-gitea-delivery': randomUUID(),
      'x-gitea-signature': signature,
    },
    gitlab: {
      'x-gitlab-event': 'Test Hook',
      'idempotency-key': randomUUID(),
      'x-gitlab-token': secret,
    },
  }
  return { body, headers: { 'content-type': 'application/json', ...proofs[forge] } }
}

function describe(status: number, body: unknown): TestedDelivery {
  const told = (body as { status?: unknown } | undefined)?.status
  if (status === 200 && told === 'ignored')
    return { ok: true, words: 'the ping arrived and its signature is right' }
  if (status === 401) return { ok: false, words: 'it arrived, but the signature was refused (401)' }
  return { ok: false, words: `the answer was ${status}, which is not an agent’s of Narwhal` }
}
