import type { Interceptor } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import type { ClientTls } from '../lib/tls-files.ts'
import type { Connection, Connector } from './connector.ts'
import { readAtOnce } from './read-at-once.ts'

export interface DialOptions {
  readonly url: string
  readonly token?: string
  /**
   * Whether a load balancer stands there. Then every use gets a TCP connection of its own, since
   * one that balances connections (and not requests) would send all work to one runner.
   */
  readonly balanced: boolean
  /** How often a connection with streams is asked for a sign of life; 5,000 ms unless told. */
  readonly pingIntervalMs?: number
  /** What to trust and to show at an `https:` URL besides the system's. */
  readonly tls?: ClientTls | undefined
}

/** Reaches a runner by gRPC at its URL. */
export function dialConnector(options: DialOptions): Connector {
  if (options.balanced) return { balanced: true, connect: () => dial(options) }
  const shared = dial(options)
  const transport = { transport: shared.transport, [Symbol.asyncDispose]: async () => {} }
  return { balanced: false, connect: () => transport }
}

function dial({ url, token, pingIntervalMs = 5_000, tls }: DialOptions): Connection {
  const pings = {
    pingIntervalMs,
    pingTimeoutMs: 5_000,
    // With true a connection that ended under its streams pings once more, and throws where nobody
    // catches it (connect-node 2.2.0). Every link has a stream, and so is never idle anyhow.
    pingIdleConnection: false,
    idleConnectionTimeoutMs: 60_000,
  }
  // It keeps the options as they are and Node reads them at each connection: certificates may change.
  const sessionManager = new Http2SessionManager(url, pings, tls?.options)
  const authorize: Interceptor = (next) => (request) => {
    if (token) request.header.set('authorization', `Bearer ${token}`)
    return next(request)
  }
  const transport = createGrpcTransport({
    baseUrl: url,
    sessionManager: {
      authority: sessionManager.authority,
      request: async (...call) => readAtOnce(await sessionManager.request(...call)),
      notifyResponseByteRead: (stream) => sessionManager.notifyResponseByteRead(stream),
    },
    interceptors: [authorize],
    // Streams are small and local; compressing them costs more than it saves.
    acceptCompression: [],
  })
  return { transport, [Symbol.asyncDispose]: async () => sessionManager.abort() }
}
