import type { FastifyRequest } from 'fastify'
import type { HttpServer } from './http-server.ts'

const YEAR_S = 365 * 24 * 3600

/**
 * What every answer carries: its type is not guessed, nobody keeps what the API says, and whoever has
 * come by TLS comes so again. A route that says otherwise of itself is left alone.
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
 * Whether the browser has come by TLS, to this process or to a proxy before it. A header that
 * somebody makes up changes nothing but the answer to whoever made it up.
 */
export function isByTls(request: FastifyRequest): boolean {
  if (request.protocol === 'https') return true
  const forwarded = request.headers['x-forwarded-proto']
  return typeof forwarded === 'string' && forwarded.split(',')[0]?.trim() === 'https'
}
