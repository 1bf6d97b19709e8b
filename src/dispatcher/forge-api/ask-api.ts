import type { ForgeQuestion } from '../../forge/author-questions.ts'
import type { ForgeRequest } from '../../forge/status-request.ts'
import { withSignal } from '../../lib/async/with-signal.ts'
import { askOnce, type OneAnswer } from '../../lib/reach/ask-once.ts'
import type { Hosts } from '../../lib/reach/hosts.ts'

interface GetOptions {
  readonly hosts: Hosts
  readonly signal: AbortSignal
  /** Limit of the answer; by default that of `askOnce`. */
  readonly mostBytes?: number
}

/**
 * Sends a GET to a forge: to an allowed address that is resolved once, without following redirects, since the
 * token is for this host alone. Rejects as `Hosts.find` and `askOnce` do.
 */
export async function getFromForge(
  { url, headers }: ForgeQuestion,
  { hosts, signal, ...bounds }: GetOptions,
): Promise<OneAnswer> {
  const asked = new URL(url)
  const found = await withSignal(hosts.find(asked.hostname), signal)
  const all = { accept: 'application/json', ...headers, 'user-agent': 'narwhal' }
  return await askOnce({ url: asked, method: 'GET', headers: all, signal, ...bounds }, found)
}

/** Sends a POST with JSON to a forge, as above. */
export async function postToForge(
  { url, headers, body }: ForgeRequest,
  { hosts, signal, ...bounds }: GetOptions,
): Promise<OneAnswer> {
  const asked = new URL(url)
  const found = await withSignal(hosts.find(asked.hostname), signal)
  const all = { ...headers, 'content-type': 'application/json', 'user-agent': 'narwhal' }
  const question = { url: asked, method: 'POST', headers: all, body: JSON.stringify(body), signal }
  return await askOnce({ ...question, ...bounds }, found)
}

/** Whether a forge's refusal is a rate limit; GitHub's has status 403. */
export function isLimited(headers: Headers): boolean {
  return headers.get('x-ratelimit-remaining') === '0' || headers.has('retry-after')
}
