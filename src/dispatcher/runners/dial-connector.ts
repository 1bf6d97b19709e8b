import type { Interceptor } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { ANY_HOSTS, type Hosts } from '../../lib/reach/hosts.ts'
import type { ClientTls } from '../../lib/tls/tls-files.ts'
import type { Connection, Connector } from './connector.ts'
import { readEagerly } from './read-eagerly.ts'

export interface DialOptions {
  readonly url: string
  readonly token?: string
  /**
   * Whether the URL is a load balancer's. Then every use gets its own TCP connection, since a balancer of
   * connections (not requests) would send all work to one runner.
   */
  readonly balanced: boolean
  /** How often a connection with streams is pinged; every 5,000 ms by default. */
  readonly pingIntervalMs?: number
  /** Certificates for an `https:` URL, besides the system's. */
  readonly tls?: ClientTls | undefined
  /** Where the runner may be; anywhere by default. */
  readonly hosts?: Hosts | undefined
}

/** Reaches a runner by gRPC at its URL. */
export function dialConnector(options: DialOptions): Connector {
  const { url, balanced, hosts = ANY_HOSTS } = options
  const whereAllowed =
    (open: () => Connection): Connector['connect'] =>
    () => {
      hosts.check(new URL(url))
      return open()
    }
  if (balanced) return { balanced, connect: whereAllowed(() => dial(options)) }
  const shared = dial(options)
  const transport = { transport: shared.transport, [Symbol.asyncDispose]: async () => {} }
  return { balanced, connect: whereAllowed(() => transport) }
}

function dial(options: DialOptions): Connection {
  const { url, token, pingIntervalMs = 5_000, tls, hosts = ANY_HOSTS } = options
  const pings = {
    pingIntervalMs,
    pingTimeoutMs: 5_000,
    // With `true` a connection that closed under its streams pings once more, and throws an uncaught error
    // (connect-node 2.2.0). Every link has a stream, so it is never idle anyway.
    pingIdleConnection: false,
    idleConnectionTimeoutMs: 60_000,
  }
  // Property descriptors, not values: Node reads the options at each connection, when certificates may have
  // changed, and resolves the name again. The certificate must still match that name.
  const changing = Object.getOwnPropertyDescriptors(tls?.options ?? {})
  const connecting = Object.defineProperties({ lookup: hosts.lookup }, changing)
  const sessionManager = new Http2SessionManager(url, pings, connecting)
  const authorize: Interceptor = (next) => (request) => {
    if (token) request.header.set('authorization', `Bearer ${token}`)
    return next(request)
  }
  const transport = createGrpcTransport({
    baseUrl: url,
    sessionManager: {
      authority: sessionManager.authority,
      request: async (...call) => readEagerly(await sessionManager.request(...call)),
      notifyResponseByteRead: (stream) => sessionManager.notifyResponseByteRead(stream),
    },
    interceptors: [authorize],
    // Streams are small and local: compression costs more than it saves.
    acceptCompression: [],
  })
  return { transport, [Symbol.asyncDispose]: async () => sessionManager.abort() }
}
