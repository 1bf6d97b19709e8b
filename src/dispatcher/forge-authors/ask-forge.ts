import type { ForgeQuestion } from '../../forge/author-questions.ts'
import { withSignal } from '../../lib/async/with-signal.ts'
import { askOnce } from '../../lib/reach/ask-once.ts'
import type { Hosts } from '../../lib/reach/hosts.ts'
import { describeConnectError } from '../../lib/tls/connect-errors.ts'

/** What a forge has answered, or why it is not known. */
export type ForgeSaid =
  | { readonly kind: 'answer'; readonly json: unknown }
  /** It knows nothing of the kind. */
  | { readonly kind: 'nothing' }
  | Trouble

export interface Trouble {
  readonly kind: 'trouble'
  readonly words: string
  /** It would answer whatever else is asked no better, for now. */
  readonly isForAll: boolean
}

/** A pull request's words may have 64 Ki characters, of which each may take six bytes. */
const MOST_BYTES = 1024 * 1024

/**
 * Asks a forge one question: at an address that is looked up once and allowed, without following redirects,
 * since the token is for this host alone. An answer that is too large is none. Never rejects.
 */
export async function askForge(
  { url, headers }: ForgeQuestion,
  hosts: Hosts,
  signal: AbortSignal,
): Promise<ForgeSaid> {
  try {
    const asked = new URL(url)
    const found = await withSignal(hosts.find(asked.hostname), signal)
    const question = {
      url: asked,
      method: 'GET',
      headers: { accept: 'application/json', ...headers, 'user-agent': 'narwhal' },
      mostBytes: MOST_BYTES,
      signal,
    }
    const { status, headers: told, text } = await askOnce(question, found)
    if (status === 404) return { kind: 'nothing' }
    const isLimited = status === 403 && told.get('x-ratelimit-remaining') === '0'
    if (isLimited || status === 401 || status === 429 || status >= 500) {
      return troubleForAll(`it answered ${status}${isLimited ? hint(429) : hint(status)}`)
    }
    if (status !== 200) return trouble(`it answered ${status}${hint(status)}`)
    return { kind: 'answer', json: JSON.parse(text) as unknown }
  } catch (error) {
    if (error instanceof SyntaxError) return trouble('its answer is too long, or no JSON')
    return troubleForAll(describeConnectError(error))
  }
}

export function trouble(words: string): Trouble {
  return { kind: 'trouble', words, isForAll: false }
}

function troubleForAll(words: string): Trouble {
  return { kind: 'trouble', words, isForAll: true }
}

function hint(status: number): string {
  if (status === 401) return ': the token is not valid (any more)'
  if (status === 403) return ': the token may not read that'
  if (status === 429) return ': it was asked too often'
  return status >= 300 && status < 400 ? ': the repository may have moved; link it anew' : ''
}
