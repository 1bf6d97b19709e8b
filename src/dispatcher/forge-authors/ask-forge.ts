import type { ForgeQuestion } from '../../forge/author-questions.ts'
import type { Hosts } from '../../lib/reach/hosts.ts'
import { describeConnectError } from '../../lib/tls/connect-errors.ts'
import { getFromForge, isLimited } from '../statuses/forge-get.ts'

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

/** Asks a forge one question. An answer that is too large is none. Never rejects. */
export async function askForge(
  question: ForgeQuestion,
  hosts: Hosts,
  signal: AbortSignal,
): Promise<ForgeSaid> {
  try {
    const bounds = { hosts, signal, mostBytes: MOST_BYTES }
    const { status, headers, text } = await getFromForge(question, bounds)
    if (status === 404) return { kind: 'nothing' }
    const isTooOften = status === 403 && isLimited(headers)
    if (isTooOften || status === 401 || status === 429 || status >= 500) {
      return troubleForAll(`it answered ${status}${isTooOften ? hint(429) : hint(status)}`)
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
