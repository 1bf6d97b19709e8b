import type { FastifyRequest } from 'fastify'
import type { HttpServer } from './http-server.ts'

const YEAR_S = 365 * 24 * 3600

/**
 * Headers of every response: no content sniffing, no caching by default, and HSTS over TLS. A route
 * that has set one of them keeps its own.
 */
export function addAnswerHeaders(server: HttpServer): void {
  server.addHook('onSend', async (request, reply) => {
    if (!reply.hasHeader('x-content-type-options')) {
      reply.header('x-content-type-options', 'nosniff')
    }
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    if (isByTls(request)) reply.header('strict-transport-security', `max-age=${YEAR_S}`)
  })
}

/**
 * Whether the browser used TLS, to this process or to a proxy in front of it. A forged header affects
 * only the response to its sender.
 */
export function isByTls(request: FastifyRequest): boolean {
  if (request.protocol === 'https') return true
  const forwarded = request.headers['x-forwarded-proto']
  return typeof forwarded === 'string' && forwarded.split(',')[0]?.trim() === 'https'
}
