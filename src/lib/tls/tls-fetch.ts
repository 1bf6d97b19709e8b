import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { Readable } from 'node:stream'
import type { ClientTls } from './tls-files.ts'

export interface FetchOptions {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array<ArrayBuffer>
  readonly signal: AbortSignal
}

const CONNECT_WITHIN_MS = 10_000

/**
 * `fetch` with a custom CA and client certificate, for which it has no option; redirects are not
 * followed. Rejects with the socket's error as it is.
 */
export async function tlsFetch(
  url: URL,
  { method, headers, body, signal }: FetchOptions,
  tls: ClientTls | undefined,
): Promise<Response> {
  if (!tls || url.protocol !== 'https:') {
    const init: RequestInit = { method, headers, signal, redirect: 'manual' }
    return await fetch(url, body === undefined ? init : { ...init, body })
  }
  const asked = request(url, { method, headers, signal, agent: tls.agent, ...identityOf(tls) })
  const late = setTimeout(() => {
    const error = new Error(`connect ETIMEDOUT ${url.host}`)
    asked.destroy(Object.assign(error, { code: 'ETIMEDOUT', syscall: 'connect' }))
  }, CONNECT_WITHIN_MS)
  // A rejection may arrive as two errors: that of our write, and the peer's alert.
  asked.on('error', () => {})
  asked.on('socket', (socket) => {
    if (asked.reusedSocket) clearTimeout(late)
    else socket.once('secureConnect', () => clearTimeout(late))
  })
  try {
    // With the body in `end` the length is known, and nothing is sent in chunks.
    asked.end(body)
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    return responseOf(answer)
  } finally {
    clearTimeout(late)
  }
}

/** The agent has the context; the check of the name is an option of the request. */
function identityOf({ options: { checkServerIdentity } }: ClientTls) {
  return checkServerIdentity ? { checkServerIdentity } : {}
}

function responseOf(answer: IncomingMessage): Response {
  const headers = new Headers()
  for (const [name, values] of Object.entries(answer.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  const { statusCode = 0 } = answer
  const isEmpty = statusCode === 204 || statusCode === 205 || statusCode === 304
  if (isEmpty) answer.resume()
  const body = isEmpty ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array<ArrayBuffer>>)
  return new Response(body, { status: statusCode, headers })
}
