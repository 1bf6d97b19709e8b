import swagger from '@fastify/swagger'
import websocket from '@fastify/websocket'
import {
  type FastifyBaseLogger,
  type FastifyHttpOptions,
  fastify,
  LogController,
  type RawServerDefault,
} from 'fastify'
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import { describeError, hasCode, NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { present } from '../lib/present.ts'
import type { FollowingServer, ServerTls } from '../lib/tls/tls-files.ts'
import { addAnswerHeaders } from './answer-headers.ts'
import { HTTP_BOUNDS, type HttpBounds } from './bounds.ts'
import { answerError } from './errors.ts'
import type { HttpServer } from './http-server.ts'
import { LoopWatch } from './loop-watch.ts'
import type { Metrics } from './metrics.ts'
import { openApiObject } from './openapi.ts'
import { boundServer } from './overload.ts'
import { collectProcessMetrics } from './process-metrics.ts'
import { releaseMemory } from './release-memory.ts'

export interface HttpDeps {
  readonly log: Logger
  readonly metrics: Metrics
  /** Rejects with the reason while the process can't do its work; for `/readyz`. */
  readonly ready: () => Promise<void>
  /** Why no new work is started while running work continues; shown by `/readyz`, which stays ready. */
  readonly short?: (() => string | undefined) | undefined
  readonly version: string
  /** Overrides of `HTTP_BOUNDS`. */
  readonly bounds?: Partial<HttpBounds>
  /** Absent: plain HTTP. */
  readonly tls?: ServerTls | undefined
}

/**
 * Creates a server with what every process has: `/healthz`, `/readyz`, `/metrics`, one format of
 * errors, and limits on bodies, headers and slow clients. It does not listen yet.
 */
export async function createHttpServer(deps: HttpDeps): Promise<HttpServer> {
  const bounds = { ...HTTP_BOUNDS, ...deps.bounds }
  const http = {
    maxHeaderSize: bounds.headerBytes,
    headersTimeout: bounds.headersMs,
    requestTimeout: bounds.requestMs,
    connectionsCheckingInterval: bounds.checkMs,
  }
  const secure = deps.tls && { ...http, ...deps.tls.options, handshakeTimeout: bounds.headersMs }
  const options = {
    loggerInstance: deps.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bounds.bodyBytes,
    requestTimeout: bounds.requestMs,
    connectionTimeout: bounds.stallMs,
    keepAliveTimeout: bounds.keepAliveMs,
    ...(secure ? { https: secure } : { http }),
    routerOptions: { maxParamLength: 300 },
    forceCloseConnections: true,
    // Fastify's own two are not even loaded then: they would take some megabytes, for nothing.
    schemaController: {
      compilersFactory: {
        buildValidator: () => validatorCompiler as never,
        buildSerializer: () => serializerCompiler as never,
      },
    },
  }
  // With `https` the server has another type, which makes no difference here.
  const server = fastify(
    options as FastifyHttpOptions<RawServerDefault>,
  ).withTypeProvider<ZodTypeProvider>()
  if (isTlsServer(server.server)) deps.tls?.follow(server.server)
  server.setValidatorCompiler(validatorCompiler)
  server.setSerializerCompiler(serializerCompiler)
  server.setErrorHandler(answerError)
  server.setNotFoundHandler((request) => {
    throw new NarwhalError('not_found', `there is nothing at ${request.method} ${request.url}`)
  })
  await server.register(websocket, { options: { maxPayload: 64 * 1024 } })
  addAnswerHeaders(server)
  boundServer(server, { bounds, metrics: deps.metrics })
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Narwhal', version: deps.version },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: openApiObject,
  })
  const loop = new LoopWatch({ onRest: releaseMemory })
  server.addHook('onClose', async () => loop[Symbol.dispose]())
  collectProcessMetrics(deps.metrics, loop)
  addHealthRoutes(server, deps)
  return server
}

function addHealthRoutes(server: HttpServer, deps: HttpDeps): void {
  const hide = { hide: true }
  server.get('/healthz', { schema: hide }, async () => ({ status: 'ok', version: deps.version }))
  server.get('/readyz', { schema: hide }, async (_request, reply) => {
    try {
      await deps.ready()
      const short = deps.short?.()
      return { status: 'ready', ...present({ short }) }
    } catch (error) {
      return reply.code(503).send({ status: 'waiting', reason: describeError(error) })
    }
  })
  server.get('/metrics', { schema: hide }, async (_request, reply) => {
    return reply.type(deps.metrics.contentType).send(await deps.metrics.metrics())
  })
}

/** Listens; rejects with `conflict` and what to do about it if the port is taken. */
export async function listen(
  server: HttpServer,
  address: { host: string; port: number },
): Promise<{ url: string }> {
  try {
    await server.listen(address)
  } catch (error) {
    throw listenError(error, address)
  }
  const bound = server.server.address()
  const port = typeof bound === 'object' && bound ? bound.port : address.port
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  const scheme = isTlsServer(server.server) ? 'https' : 'http'
  return { url: `${scheme}://${host}:${port}` }
}

function isTlsServer(server: object): server is FollowingServer {
  return 'setSecureContext' in server
}

/** A failed `listen` as an error that says what to do. */
function listenError(cause: unknown, { host, port }: { host: string; port: number }): NarwhalError {
  if (hasCode(cause, 'EADDRINUSE')) {
    const message = `port ${port} on ${host} is taken by another program: stop it, or choose another port with --port`
    return new NarwhalError('conflict', message, { cause })
  }
  const place = `${host}:${port}`
  if (hasCode(cause, 'EACCES')) {
    const message = `not allowed to listen on ${place}: choose a port above 1023 with --port`
    return new NarwhalError('forbidden', message, { cause })
  }
  const message = `can't listen on ${place}: ${describeError(cause)}`
  return new NarwhalError('unavailable', message, { cause })
}
