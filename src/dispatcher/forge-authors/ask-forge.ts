import type { ForgeQuestion } from '../../forge/author-questions.ts'
import type { Hosts } from '../../lib/reach/hosts.ts'
import { describeConnectError } from '../../lib/tls/connect-errors.ts'
import { getFromForge, isLimited } from '../forge-api/ask-api.ts'

/** A forge's answer, or why there is none. */
export type ForgeAnswer =
  | { readonly kind: 'answer'; readonly json: unknown }
  | { readonly kind: 'not_found' }
  | Failure

export interface Failure {
  readonly kind: 'failed'
  readonly words: string
  /** Any other request would fail as well, for now. */
  readonly isForAll: boolean
}

/** A pull request's description may have 64 Ki characters, of up to six bytes each. */
const MOST_BYTES = 1024 * 1024

/** Sends one request to a forge. An answer that is too large counts as failed. Never rejects. */
export async function askForge(
  question: ForgeQuestion,
  hosts: Hosts,
  signal: AbortSignal,
): Promise<ForgeAnswer> {
  try {
    const bounds = { hosts, signal, mostBytes: MOST_BYTES }
    const { status, headers, text } = await getFromForge(question, bounds)
    if (status === 404) return { kind: 'not_found' }
    const isRateLimit = status === 429 || (status === 403 && isLimited(headers))
    const words = `it answered ${status}${isRateLimit ? ': its rate limit is reached' : hint(status)}`
    if (isRateLimit || status === 401 || status >= 500) return failed(words, true)
    if (status !== 200) return failed(words)
    return { kind: 'answer', json: JSON.parse(text) as unknown }
  } catch (error) {
    if (error instanceof SyntaxError) return failed('its answer is too long, or not JSON')
    return failed(describeConnectError(error), true)
  }
}

export function failed(words: string, isForAll = false): Failure {
  return { kind: 'failed', words, isForAll }
}

function hint(status: number): string {
  if (status === 401) return ': the token is not valid (any more)'
  if (status === 403) return ': the token may not read that'
  return status >= 300 && status < 400 ? ': the repository may have moved; link it again' : ''
}
