import { Counter, Gauge } from '@prometheus-io/client'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { NarwhalError } from '../lib/errors.ts'
import { Bodies } from './bodies.ts'
import type { HttpBounds } from './bounds.ts'
import { Connections } from './connections.ts'
import type { HttpServer } from './http-server.ts'
import type { Metrics } from './metrics.ts'
import { UNTOUCHED_HEADER } from './untouched.ts'

/** Who looks after the process must get an answer when nobody else does. */
const OF_HEALTH = new Set(['/healthz', '/readyz', '/metrics'])

/**
 * Bounds what a server has in hand: connections, large bodies, and requests that are being
 * answered. A request too many gets 503 before anything is done for it. One with a body counts
 * from when the body is there, so that slow senders take nobody's place.
 */
export function boundServer(
  server: HttpServer,
  { bounds, metrics }: { readonly bounds: HttpBounds; readonly metrics: Metrics },
): void {
  const refused = new Counter({
    name: 'narwhal_http_rejected_total',
    help: 'Connections, bodies and requests that were rejected or closed because a limit was reached.',
    labelNames: ['kind'],
    registers: [metrics],
  })
  const connections = new Connections(server.server, bounds, () =>
    refused.inc({ kind: 'connection' }),
  )
  const bodies = new Bodies(bounds.bodyBytesInAll, () => refused.inc({ kind: 'body' }))
  addGauge(metrics, 'narwhal_http_connections', 'Open connections.', () => connections.size)
  addGauge(metrics, 'narwhal_http_requests', 'Requests in flight.', () => connections.answering)

  const begin = (request: FastifyRequest, reply: FastifyReply): void => {
    if (OF_HEALTH.has(request.routeOptions.url ?? '')) return
    // Those who serve websockets bound them.
    if (request.ws) {
      connections.keep(request.raw.socket)
      return
    }
    if (connections.answering >= bounds.requests) {
      refused.inc({ kind: 'request' })
      void reply.header(UNTOUCHED_HEADER, '1')
      const words = `${bounds.requests} requests are being answered already: try again later`
      throw new NarwhalError('unavailable', words)
    }
    const end = connections.begin(request.raw.socket)
    if (end) reply.raw.once('close', end)
  }
  server.addHook('onRequest', async (request, reply) => {
    if (!hasBody(request)) begin(request, reply)
  })
  server.addHook('preParsing', async ({ headers, raw }, reply, payload) => {
    return bodies.isLarge(headers) ? bodies.count(payload, [reply.raw, raw.socket]) : payload
  })
  server.addHook('preValidation', async (request, reply) => {
    if (hasBody(request)) begin(request, reply)
  })
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function addGauge(metrics: Metrics, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [metrics],
    collect() {
      this.set(read())
    },
  })
}
