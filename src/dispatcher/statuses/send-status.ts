import type { ForgeRequest } from '../../forge/status-request.ts'
import { present } from '../../lib/present.ts'
import type { Hosts } from '../../lib/reach/hosts.ts'
import { describeConnectError } from '../../lib/tls/connect-errors.ts'
import { isLimited, postToForge } from '../forge-api/ask-api.ts'

/** The result of sending a status. */
export type SendResult =
  | { readonly kind: 'sent' }
  /** To be retried, after at least `afterMs` milliseconds if the forge has asked for that. */
  | { readonly kind: 'retried'; readonly words: string; readonly afterMs?: number }
  /** A retry would change nothing. */
  | {
      readonly kind: 'rejected'
      readonly words: string
      /** The token was rejected, not the status. */
      readonly isOfToken?: true
    }

const ANSWER_MS = 15_000
const LONGEST_WORDS = 200
/** No forge rate-limits a client for longer. */
const LONGEST_PAUSE_MS = 3_600_000

/**
 * Sends a status and waits up to 15 s for the answer: to an allowed address that is resolved once, without
 * following redirects, since the token is for this host alone. Never rejects.
 */
export async function sendStatus(
  request: ForgeRequest,
  hosts: Hosts,
  signal: AbortSignal,
): Promise<SendResult> {
  try {
    const ends = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
    const answer = await postToForge(request, { hosts, signal: ends })
    if (answer.status >= 200 && answer.status < 300) return { kind: 'sent' }
    return understand(answer.status, answer.headers, answer.text)
  } catch (error) {
    return { kind: 'retried', words: describeConnectError(error) }
  }
}

function understand(status: number, headers: Headers, text: string): SendResult {
  const words = `it answered ${status}${wordsOf(text)}`
  const afterMs = pauseOf(headers)
  const isRateLimit = status === 403 && (isLimited(headers) || /rate limit/i.test(text))
  if (status === 429 || status >= 500 || status === 408 || isRateLimit) {
    return {
      kind: 'retried',
      words,
      ...present({ afterMs: afterMs ?? (isRateLimit ? 60_000 : undefined) }),
    }
  }
  // GitLab's answer if the status is in that state already, or final.
  if (status === 400 && /cannot transition status/i.test(text)) return { kind: 'sent' }
  const isOfToken = status === 401 || status === 403 ? { isOfToken: true as const } : {}
  return { kind: 'rejected', words: `${words}${hint(status)}`, ...isOfToken }
}

function hint(status: number): string {
  if (status === 401) return ': the token is not valid (any more)'
  if (status === 403) return ': the token may not write statuses there'
  if (status === 404) return ': there is no such repository, or the token may not see it'
  return status >= 300 && status < 400 ? ': it redirects; give the URL it redirects to' : ''
}

/** Seconds or a date (RFC 9110, 10.2.3), or the time at which GitHub's rate limit resets. */
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

/** The forge's own message, bounded and on one line. */
function wordsOf(text: string): string {
  let said: unknown
  try {
    said = (JSON.parse(text) as { message?: unknown } | null)?.message
  } catch {
    // A proxy's page is of no use.
  }
  if (typeof said !== 'string') return ''
  return ` (${said.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ').slice(0, LONGEST_WORDS)})`
}
