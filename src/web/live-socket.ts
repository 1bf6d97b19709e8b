import type { FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { type Scope, scopeOf } from '../api/auth/scope.ts'
import { watchAccess } from '../api/auth/watch-access.ts'
import { whoAsks } from '../api/auth/who-asks.ts'
import { Places } from '../api/logs/places.ts'
import { SIGNED_OUT_CODE } from '../contract/live/close-code.ts'
import { ROUTES, urlOf } from '../contract/rest/endpoints/routes.ts'
import type { HttpServer } from '../http/http-server.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { StoreReader } from '../store/store.ts'
import { LiveConnection } from './live-connection.ts'
import type { LiveFeed } from './live-feed.ts'
import { SocketRoom } from './socket-writer.ts'

/** The interval of pings; a client that has not answered by the next one is disconnected. */
const PING_MS = 30_000

/** "Try again later", of the registry at iana.org/assignments/websocket. */
const TRY_AGAIN_LATER = 1013

/** Concurrent clients of one process. */
const MAX_SOCKETS = 1_000

export interface LiveSocketDeps {
  readonly store: StoreReader
  readonly feed: LiveFeed
  readonly log: Logger
  /** Whether pages of this origin may connect, in addition to the server's own. */
  readonly allowOrigin?: (origin: string) => boolean
  /** Milliseconds between pings; 30,000 by default. */
  readonly pingMs?: number
  /** The maximum number of concurrent sockets; 1,000 by default. */
  readonly maxSockets?: number
  /** Milliseconds between checks of the client's access; 3,000 by default. */
  readonly accessMs?: number
}

/** Adds the WebSocket of `contract/live/live-protocol.ts` at `/api/v1/live`. */
export function registerLiveSocket(server: HttpServer, deps: LiveSocketDeps): void {
  const room = new SocketRoom()
  const places = new Places(deps.maxSockets ?? MAX_SOCKETS, 'clients are connected')
  server.get(
    urlOf(ROUTES.live),
    {
      websocket: true,
      schema: { hide: true },
      // Browsers let any page open a WebSocket anywhere, with cookies; only this header shows its origin.
      preValidation: async (request) => {
        // Only a check: released at once, and taken again for the socket.
        using _place = places.take(whoAsks(request))
        const { origin, host } = request.headers
        if (origin === undefined || isSameHost(origin, host)) return
        if (deps.allowOrigin?.(origin)) return
        throw new NarwhalError('forbidden', `pages of ${origin} are not allowed to connect`)
      },
    },
    (socket, request) => {
      const { checkAgain } = request
      try {
        const scope = scopeOf(request)
        const place = places.take(whoAsks(request))
        serve(socket, { ...deps, checkAgain, scope, place }, room)
      } catch (error) {
        socket.close(TRY_AGAIN_LATER, NarwhalError.from(error).message)
      }
    },
  )
}

function isSameHost(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
}

interface SocketParts extends LiveSocketDeps {
  readonly checkAgain: FastifyRequest['checkAgain']
  readonly scope: Scope
  readonly place: Disposable
}

function serve(socket: WebSocket, deps: SocketParts, room: SocketRoom): void {
  room.add(socket)
  const connection = new LiveConnection(socket, { ...deps, room })
  const watch = watchPulse(socket, deps)
  const end = ({ message }: NarwhalError): void => socket.close(SIGNED_OUT_CODE, message)
  const access = watchAccess(deps.checkAgain, end, deps.accessMs)
  socket.on('message', (data: Buffer, isBinary) => {
    connection.receive(isBinary ? '' : data.toString('utf8'))
  })
  // A close always follows; without a listener the error would crash the process.
  socket.on('error', (err) => deps.log.debug({ err }, 'live connection failed'))
  socket.on('close', () => {
    watch[Symbol.dispose]()
    access[Symbol.dispose]()
    deps.place[Symbol.dispose]()
    connection[Symbol.dispose]()
  })
}

/** Terminates a socket whose client does not answer pings. */
function watchPulse(socket: WebSocket, { pingMs = PING_MS }: SocketParts): Disposable {
  let isAlive = true
  socket.on('pong', () => {
    isAlive = true
  })
  const timer = setInterval(() => {
    if (!isAlive) {
      socket.terminate()
      return
    }
    isAlive = false
    socket.ping()
  }, pingMs)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
