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

/** How often a client is asked whether it is there; one that has not answered by the next is cut off. */
const PING_MS = 30_000

/** "Try again later", of the registry at iana.org/assignments/websocket. */
const TRY_AGAIN_LATER = 1013

/** So many clients may listen at a time to one process. */
const MOST_SOCKETS = 1_000

export interface LiveSocketDeps {
  readonly store: StoreReader
  readonly feed: LiveFeed
  readonly log: Logger
  /** Whether pages of this origin may connect besides those of the server itself. */
  readonly allowOrigin?: (origin: string) => boolean
  /** Milliseconds between two pings; 30,000 unless told. */
  readonly pingMs?: number
  /** How many sockets there may be at a time; 1,000 unless told. */
  readonly mostSockets?: number
  /** Milliseconds between two looks whether who listens still may; 3,000 unless told. */
  readonly accessMs?: number
}

/** Adds the websocket of `contract/live/live-protocol.ts` at `/api/v1/live`. */
export function registerLiveSocket(server: HttpServer, deps: LiveSocketDeps): void {
  const room = new SocketRoom()
  const places = new Places(deps.mostSockets ?? MOST_SOCKETS, 'clients listen')
  server.get(
    urlOf(ROUTES.live),
    {
      websocket: true,
      schema: { hide: true },
      // Browsers let any page open a websocket anywhere, with cookies; only this header tells.
      preValidation: async (request) => {
        // One that is refused here, before it is a socket, gives its place back at once.
        using _place = places.take(whoAsks(request))
        const { origin, host } = request.headers
        if (origin === undefined || isSameHost(origin, host)) return
        if (deps.allowOrigin?.(origin)) return
        throw new NarwhalError('forbidden', `pages of ${origin} may not connect here`)
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
  // A close always follows; without a listener the error would end the process.
  socket.on('error', (err) => deps.log.debug({ err }, 'a live connection broke'))
  socket.on('close', () => {
    watch[Symbol.dispose]()
    access[Symbol.dispose]()
    deps.place[Symbol.dispose]()
    connection[Symbol.dispose]()
  })
}

/** Whether who listens is there. */
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
