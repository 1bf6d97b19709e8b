import type { ForgeQuestion } from '../../forge/author-questions.ts'
import { withSignal } from '../../lib/async/with-signal.ts'
import { askOnce, type OneAnswer } from '../../lib/reach/ask-once.ts'
import type { Hosts } from '../../lib/reach/hosts.ts'

interface GetOptions {
  readonly hosts: Hosts
  readonly signal: AbortSignal
  /** Of the answer; as `askOnce` has it unless told. */
  readonly mostBytes?: number
}

/**
 * Asks a forge for something: at an address that is looked up once and allowed, without following redirects,
 * since the token is for this host alone. Rejects as `Hosts.find` and `askOnce` do.
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

/** Whether a forge that refuses says by this that it was asked too often; GitHub does, with 403. */
export function isLimited(headers: Headers): boolean {
  return headers.get('x-ratelimit-remaining') === '0' || headers.has('retry-after')
}
