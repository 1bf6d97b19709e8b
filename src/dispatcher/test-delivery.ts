import { createHmac, randomUUID } from 'node:crypto'
import type { TestedDelivery } from '../contract/rest-insights.ts'
import { describeConnectError } from '../lib/connect-errors.ts'
import type { RepositoryRecord } from '../store/records.ts'

const TIMEOUT_MS = 10_000
/** No forge has come so far: it stands for an id that is not known yet, and a ping leaves none behind. */
const NO_FORGE_ID = 2 ** 52

/**
 * Sends a ping to a webhook URL as the repository's forge would, signed with its secret: whether the
 * URL leads to this Narwhal's agent and the secrets agree. Only the status and Narwhal's own word
 * for it are told, never what another server says.
 */
export async function testDelivery(
  repository: Pick<RepositoryRecord, 'name' | 'forgeId'> & { readonly secret: string },
  url: string,
): Promise<TestedDelivery> {
  const body = JSON.stringify({
    zen: 'A test delivery of Narwhal.',
    repository: { id: repository.forgeId ?? NO_FORGE_ID, full_name: repository.name },
  })
  const signature = createHmac('sha256', repository.secret).update(body).digest('hex')
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'ping',
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': `sha256=${signature}`,
  }
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const answer = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' })
    return describe(answer.status, await answer.json().catch(() => undefined))
  } catch (error) {
    return { ok: false, words: `${url} does not answer: ${describeConnectError(error)}` }
  }
}

function describe(status: number, body: unknown): TestedDelivery {
  const told = (body as { status?: unknown } | undefined)?.status
  if (status === 200 && told === 'ignored')
    return { ok: true, words: 'the ping arrived and its signature is right' }
  if (status === 401) return { ok: false, words: 'it arrived, but the signature was refused (401)' }
  return { ok: false, words: `the answer was ${status}, which is not an agent’s of Narwhal` }
}
