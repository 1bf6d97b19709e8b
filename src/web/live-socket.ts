import type { FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { SIGNED_OUT_CODE } from '../contract/close-code.ts'
import type { HttpServer } from '../http/server.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { StoreReader } from '../store/store.ts'
import { LiveConnection } from './live-connection.ts'
import type { LiveFeed } from './live-feed.ts'
import { SocketRoom } from './socket-writer.ts'

/**
 * How often a client is asked whether it is there, and its token looked at; one that has not answered by
 * the next is cut off.
 */
const PING_MS = 30_000

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
}

/** Adds the websocket of `contract/live-protocol.ts` at `/api/v1/live`. */
export function registerLiveSocket(server: HttpServer, deps: LiveSocketDeps): void {
  const room = new SocketRoom()
  const mostSockets = deps.mostSockets ?? MOST_SOCKETS
  server.get(
    '/api/v1/live',
    {
      websocket: true,
      schema: { hide: true },
      // Browsers let any page open a websocket anywhere, with cookies; only this header tells.
      preValidation: async ({ headers }) => {
        if (room.size >= mostSockets) {
          throw new NarwhalError('unavailable', `${mostSockets} clients listen already`)
        }
        const { origin, host } = headers
        if (origin === undefined || isSameHost(origin, host)) return
        if (deps.allowOrigin?.(origin)) return
        throw new NarwhalError('forbidden', `pages of ${origin} may not connect here`)
      },
    },
    (socket, { checkAgain }) => serve(socket, { ...deps, checkAgain }, room),
  )
}

function isSameHost(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
}

interface SocketParts extends LiveSocketDeps {
  readonly checkAgain: FastifyRequest['checkAgain']
}

function serve(socket: WebSocket, deps: SocketParts, room: SocketRoom): void {
  room.add(socket)
  const connection = new LiveConnection(socket, { ...deps, room })
  const watch = watchPulse(socket, deps)
  socket.on('message', (data: Buffer, isBinary) => {
    connection.receive(isBinary ? '' : data.toString('utf8'))
  })
  // A close always follows; without a listener the error would end the process.
  socket.on('error', (err) => deps.log.debug({ err }, 'a live connection broke'))
  socket.on('close', () => {
    watch[Symbol.dispose]()
    connection[Symbol.dispose]()
  })
}

/** Whether who listens is there, and may still listen. */
function watchPulse(socket: WebSocket, { pingMs = PING_MS, checkAgain }: SocketParts): Disposable {
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
    checkAgain?.().catch((error: unknown) => {
      const { code, message } = NarwhalError.from(error)
      // A store that is away says nothing about a token.
      if (code === 'unauthenticated' || code === 'forbidden') socket.close(SIGNED_OUT_CODE, message)
    })
  }, pingMs)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
