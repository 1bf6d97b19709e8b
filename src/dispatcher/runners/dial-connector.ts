import type { Interceptor } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { ANY_HOSTS, type Hosts } from '../../lib/reach/hosts.ts'
import type { ClientTls } from '../../lib/tls/tls-files.ts'
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
  /** Where it may be; anywhere unless told. */
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
    // With true a connection that ended under its streams pings once more, and throws where nobody
    // catches it (connect-node 2.2.0). Every link has a stream, and so is never idle anyhow.
    pingIdleConnection: false,
    idleConnectionTimeoutMs: 60_000,
  }
  // It keeps the options as they are and Node reads them at each connection: certificates may change, and
  // the name is looked up anew. Who answers is known by that name all the same.
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
      request: async (...call) => readAtOnce(await sessionManager.request(...call)),
      notifyResponseByteRead: (stream) => sessionManager.notifyResponseByteRead(stream),
    },
    interceptors: [authorize],
    // Streams are small and local; compressing them costs more than it saves.
    acceptCompression: [],
  })
  return { transport, [Symbol.asyncDispose]: async () => sessionManager.abort() }
}
