import { Counter, Gauge } from '@prometheus-io/client'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { NarwhalError } from '../lib/errors.ts'
import { Bodies } from './bodies.ts'
import type { HttpBounds } from './bounds.ts'
import { Connections } from './connections.ts'
import type { HttpServer } from './http-server.ts'
import type { Metrics } from './metrics.ts'
import { UNTOUCHED_HEADER } from './untouched-header.ts'

/** Health checks and metrics must be answered under overload too. */
const OF_HEALTH = new Set(['/healthz', '/readyz', '/metrics'])

/**
 * Limits a server's connections, large bodies and requests in flight. A request beyond the limit gets
 * 503 before anything is done for it. One with a body counts from when the body has arrived, so that
 * slow senders don't block others.
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
    // WebSockets are limited by their own routes.
    if (request.ws) {
      connections.keep(request.raw.socket)
      return
    }
    if (connections.answering >= bounds.requests) {
      refused.inc({ kind: 'request' })
      void reply.header(UNTOUCHED_HEADER, '1')
      const message = `too many requests: ${bounds.requests} are in flight; try again later`
      throw new NarwhalError('unavailable', message)
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
