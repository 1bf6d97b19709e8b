import type { ForgeRequest } from '../../forge/status-request.ts'
import { present } from '../../lib/present.ts'
import { askOnce } from '../../lib/reach/ask-once.ts'
import type { Hosts } from '../../lib/reach/hosts.ts'
import { describeConnectError } from '../../lib/tls/connect-errors.ts'
import { isLimited } from './forge-get.ts'

/** What became of a status that was sent. */
export type ForgeAnswer =
  | { readonly kind: 'told' }
  /** It may be tried again, not before `afterMs` milliseconds where the forge has said so. */
  | { readonly kind: 'later'; readonly words: string; readonly afterMs?: number }
  /** Trying again would change nothing. */
  | {
      readonly kind: 'refused'
      readonly words: string
      /** It is the token that it does not take. */
      readonly isOfToken?: true
    }

const ANSWER_MS = 15_000
const LONGEST_WORDS = 200
/** No forge limits a client for longer. */
const LONGEST_PAUSE_MS = 3_600_000

/**
 * Sends a status and waits for the answer, for a quarter of a minute: to an address that is looked up once and
 * allowed, without following redirects, since the token is for this host alone. Never rejects.
 */
export async function sendStatus(
  { url, headers, body }: ForgeRequest,
  hosts: Hosts,
  signal: AbortSignal,
): Promise<ForgeAnswer> {
  try {
    const asked = new URL(url)
    const found = await hosts.find(asked.hostname)
    const question = {
      url: asked,
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'user-agent': 'narwhal' },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    }
    const answer = await askOnce(question, found)
    if (answer.status >= 200 && answer.status < 300) return { kind: 'told' }
    return understand(answer.status, answer.headers, answer.text)
  } catch (error) {
    return { kind: 'later', words: describeConnectError(error) }
  }
}

function understand(status: number, headers: Headers, text: string): ForgeAnswer {
  const words = `it answered ${status}${wordsOf(text)}`
  const afterMs = pauseOf(headers)
  if (status === 429 || status >= 500 || status === 408) return later(words, afterMs)
  if (status === 403 && (isLimited(headers) || /rate limit/i.test(text))) {
    return later(words, afterMs ?? 60_000)
  }
  // GitLab's word for a status that stands so already, or has ended.
  if (status === 400 && /cannot transition status/i.test(text)) return { kind: 'told' }
  const isOfToken = status === 401 || status === 403 ? { isOfToken: true as const } : {}
  return { kind: 'refused', words: `${words}${hint(status)}`, ...isOfToken }
}

function later(words: string, afterMs: number | undefined): ForgeAnswer {
  return { kind: 'later', words, ...present({ afterMs }) }
}

function hint(status: number): string {
  if (status === 401) return ': the token is not valid (any more)'
  if (status === 403) return ': the token may not write statuses there'
  if (status === 404) return ': there is no such repository, or the token may not see it'
  return status >= 300 && status < 400 ? ': it redirects; give the URL it redirects to' : ''
}

/** Seconds or a date (RFC 9110, 10.2.3), or GitHub's moment at which the limit ends. */
function pauseOf(headers: Headers): number | undefined {
  const after = headers.get('retry-after')
  const reset = headers.get('x-ratelimit-reset')
  const ms =
    after !== null
      ? /^\d+$/.test(after)
        ? Number(after) * 1000
        : Date.parse(after) - Date.now()
      : reset !== null && headers.get('x-ratelimit-remaining') === '0'
        ? Number(reset) * 1000 - Date.now()
        : Number.NaN
  if (!Number.isFinite(ms)) return undefined
  return Math.min(LONGEST_PAUSE_MS, Math.max(1_000, ms))
}

/** The forge's own words, for the log and for people; bounded and on one line. */
function wordsOf(text: string): string {
  let said: unknown
  try {
    said = (JSON.parse(text) as { message?: unknown } | null)?.message
  } catch {
    // A proxy's page says nothing to people.
  }
  if (typeof said !== 'string') return ''
  return ` (${said.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ').slice(0, LONGEST_WORDS)})`
}
