import type { FastifyReply, FastifyRequest } from 'fastify'
import { addressOf } from '../api/auth/address-of.ts'
import { ForwarderCredential } from '../api/auth/forwarders.ts'
import { API, DISPATCHER_READS, ROUTES, urlOf } from '../contract/rest/endpoints/routes.ts'
import type { HttpServer } from '../http/http-server.ts'
import { UNTOUCHED_HEADER } from '../http/untouched-header.ts'
import { NarwhalError } from '../lib/errors.ts'
import { describeConnectError, wasNotConnected } from '../lib/tls/connect-errors.ts'
import { type FetchOptions, tlsFetch } from '../lib/tls/tls-fetch.ts'
import type { ClientTls } from '../lib/tls/tls-files.ts'
import type { Uses } from '../store/store.ts'

/** The dispatchers, each of which accepts any command. */
export interface Dispatchers {
  /** At least one. */
  readonly urls: readonly string[]
  readonly tls?: ClientTls | undefined
  /** For this process's credential. */
  readonly store: Uses<'transact'>
}

const TIMEOUT_MS = 30_000
/** If there is another one to ask. */
const READ_TIMEOUT_MS = 10_000
const HEADERS_UP = ['authorization', 'content-type', 'cookie'] as const
const HEADERS_DOWN = ['content-type', 'retry-after', 'www-authenticate'] as const
const COMMANDS = ['POST', 'PUT', 'PATCH', 'DELETE']

/**
 * Forwards requests that only dispatchers can answer, and passes on the answer unchanged. The server's own
 * routes, such as signing in, have precedence.
 */
export async function registerCommandForwarding(
  server: HttpServer,
  dispatchers: Dispatchers,
): Promise<void> {
  await server.register(async (scope) => {
    // The raw body is forwarded; the dispatcher validates it.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
      done(null, body)
    })
    const credential = new ForwarderCredential(dispatchers.store)
    const handler = async (request: FastifyRequest, reply: FastifyReply) =>
      await forward(dispatchers, request, reply, await credential.headersFor(addressOf(request)))
    const schema = { hide: true }
    scope.route({ method: COMMANDS, url: `${API}/*`, schema, handler })
    for (const name of DISPATCHER_READS) {
      scope.route({ method: 'GET', url: urlOf(ROUTES[name]), schema, handler })
    }
  })
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
}

async function forward(
  dispatchers: Dispatchers,
  request: FastifyRequest,
  reply: FastifyReply,
  more: Readonly<Record<string, string>>,
): Promise<FastifyReply> {
  const headers: Record<string, string> = { ...more }
  for (const name of HEADERS_UP) {
    const value = request.headers[name]
    if (value) headers[name] = value
  }
  const {
    status,
    headers: given,
    body,
  } = await askFirst(dispatchers, request.url, {
    method: request.method,
    headers,
    ...(request.body instanceof Buffer ? { body: new Uint8Array(request.body) } : {}),
  })
  for (const name of HEADERS_DOWN) {
    const value = given.get(name)
    if (value) reply.header(name, value)
  }
  return reply.code(status).send(body)
}

/**
 * The answer of the first available dispatcher. The next one is asked only if the one before has certainly
 * not processed the request, or the request is idempotent: no command is ever executed twice.
 */
async function askFirst(
  { urls, tls }: Dispatchers,
  path: string,
  options: Omit<FetchOptions, 'signal'>,
): Promise<Answer> {
  const isSafe = options.method === 'GET'
  const timeoutMs = isSafe && urls.length > 1 ? READ_TIMEOUT_MS : TIMEOUT_MS
  let refused: Answer | undefined
  const failures: string[] = []
  for (const dispatcher of urls) {
    const url = urlAt(dispatcher, path)
    try {
      const answer = await ask(url, { ...options, signal: AbortSignal.timeout(timeoutMs) }, tls)
      if (answer.status !== 503 || !(isSafe || isUntouched(answer))) return answer
      refused = answer
    } catch (cause) {
      failures.push(`${dispatcher} does not respond (${describeConnectError(cause)})`)
      if (isSafe || wasNotConnected(cause)) continue
      const message = `the dispatcher at ${failures.at(-1)}; it may have done this or not: check, and try again`
      throw new NarwhalError('unavailable', message, { cause })
    }
  }
  if (refused) return refused
  const message = `the dispatcher at ${failures.join(', nor ')}; reading still works, try again when it is back`
  throw new NarwhalError('unavailable', message)
}

function urlAt(dispatcher: string, path: string): URL {
  const url = new URL(path, dispatcher)
  if (url.origin !== new URL(dispatcher).origin || !url.pathname.startsWith(`${API}/`)) {
    throw new NarwhalError('invalid', `can't forward ${path}`)
  }
  return url
}

async function ask(url: URL, options: FetchOptions, tls: ClientTls | undefined): Promise<Answer> {
  const response = await tlsFetch(url, options, tls)
  const body = Buffer.from(await response.arrayBuffer())
  return { status: response.status, headers: response.headers, body }
}

/** Whether a 503 was sent before any processing: by an overloaded or stopping server, or a load balancer. */
function isUntouched({ headers, body }: Answer): boolean {
  if (headers.has(UNTOUCHED_HEADER)) return true
  try {
    const { code } = JSON.parse(body.toString()) as { code?: unknown }
    // Fastify sends none while the server is closing.
    return typeof code !== 'string'
  } catch {
    // Not Narwhal's: a load balancer without an available server.
    return true
  }
}
