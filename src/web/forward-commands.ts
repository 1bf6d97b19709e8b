import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HttpServer } from '../http/server.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'

const TIMEOUT_MS = 30_000
const HEADERS_UP = ['authorization', 'content-type', 'cookie'] as const
const HEADERS_DOWN = ['content-type', 'retry-after', 'www-authenticate'] as const
const COMMANDS = ['POST', 'PUT', 'PATCH', 'DELETE']

/**
 * Hands what only a dispatcher can do or tell on to one, and its answer back as it is. Routes that
 * the server has itself, such as signing in, come first.
 */
export async function registerCommandForwarding(
  server: HttpServer,
  dispatcherUrl: string,
): Promise<void> {
  await server.register(async (scope) => {
    // The body passes as the bytes it came in; the dispatcher checks it.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
      done(null, body)
    })
    const handler = (request: FastifyRequest, reply: FastifyReply) =>
      forward(dispatcherUrl, request, reply)
    const schema = { hide: true }
    scope.route({ method: COMMANDS, url: '/api/v1/*', schema, handler })
    scope.route({ method: 'GET', url: '/api/v1/queue', schema, handler })
    scope.route({ method: 'GET', url: '/api/v1/tokens', schema, handler })
  })
}

async function forward(
  dispatcherUrl: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const url = new URL(request.url, dispatcherUrl)
  if (url.origin !== new URL(dispatcherUrl).origin || !url.pathname.startsWith('/api/v1/')) {
    throw new NarwhalError('invalid', `can't forward ${request.url}`)
  }
  const headers = new Headers()
  for (const name of HEADERS_UP) {
    const value = request.headers[name]
    if (value) headers.set(name, value)
  }
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const init: RequestInit = { method: request.method, headers, signal, redirect: 'manual' }
  if (request.body instanceof Buffer) init.body = new Uint8Array(request.body)
  let status: number
  let body: Buffer
  try {
    const answer = await fetch(url, init)
    status = answer.status
    for (const name of HEADERS_DOWN) {
      const value = answer.headers.get(name)
      if (value) reply.header(name, value)
    }
    body = Buffer.from(await answer.arrayBuffer())
  } catch (cause) {
    const reason = describeError(cause instanceof Error && cause.cause ? cause.cause : cause)
    const words = `the dispatcher at ${dispatcherUrl} does not answer (${reason}); reading still works, try again when it is back`
    throw new NarwhalError('unavailable', words, { cause })
  }
  return reply.code(status).send(body)
}
