import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { hashToken } from '../../api/auth/tokens.ts'
import {
  ATTACH_PATH,
  ATTACHED_HEADER,
  DISPATCHER_HEADER,
  MOST_MESSAGE_BYTES,
  PING_MS,
  SILENCE_MS,
} from '../../contract/rpc/attach.ts'
import { isSameLink, type Runner } from '../../core/runner/runner.ts'
import { bearerToken } from '../../http/guard.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { type HeartbeatOptions, keepAlive } from '../../lib/async/heartbeat.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { openSocketStream } from '../../lib/reach/socket-stream.ts'
import type { Reads } from '../../store/store.ts'

export interface AttachDeps {
  readonly store: Reads<'runners'>
  /** Takes over the sockets; resolves when the runner's link has it. */
  readonly pool: { accept(runner: Runner, socket: Duplex): Promise<void> }
  /** The present id of this dispatcher. */
  readonly dispatcherId: () => string
  readonly log: Logger
  /** `PING_MS` and `SILENCE_MS` by default. */
  readonly heartbeat?: HeartbeatOptions
}

/** Close codes of RFC 6455. */
const INTERNAL_ERROR = 1011
const POLICY_VIOLATION = 1008

/** Adds the websocket by which runners attach themselves, authenticated by their identities. */
export function registerAttachRoute(server: HttpServer, deps: AttachDeps): void {
  /** Accepted handshakes in progress. */
  const callers = new WeakMap<IncomingMessage, Runner>()
  server.websocketServer.on('headers', (headers: string[], request: IncomingMessage) => {
    if (callers.has(request)) headers.push(`${DISPATCHER_HEADER}: ${deps.dispatcherId()}`)
  })
  server.get(
    ATTACH_PATH,
    {
      websocket: true,
      schema: { hide: true },
      preValidation: async (request, reply) => {
        void reply.header(DISPATCHER_HEADER, deps.dispatcherId())
        callers.set(request.raw, await identify(request, deps.store))
        refuseTwice(request, deps.dispatcherId())
      },
    },
    (socket, request) => {
      const runner = callers.get(request.raw)
      if (!runner) return socket.close(POLICY_VIOLATION)
      keepAlive(socket, deps.heartbeat ?? { pingMs: PING_MS, silenceMs: SILENCE_MS })
      // Created synchronously, since the runner may send at once.
      const stream = openSocketStream(socket, MOST_MESSAGE_BYTES)
      stream.on('error', (err) => deps.log.debug({ err }, "an attached runner's socket failed"))
      accept(deps, { runner, socket, stream }).catch((error: unknown) => {
        const reason = describeError(error)
        deps.log.warn({ runner: runner.name, reason }, 'attaching a runner failed')
        socket.close(INTERNAL_ERROR, "the dispatcher can't accept this runner now")
      })
    },
  )
}

async function accept(
  { pool, store, log }: AttachDeps,
  { runner, socket, stream }: { runner: Runner; socket: WebSocket; stream: Duplex },
): Promise<void> {
  await pool.accept(runner, stream)
  // If it was removed since its handshake, nobody else closes the socket.
  const now = await store.runners.find(runner.id)
  if (!now || !isSameLink(now.link, runner.link)) {
    return socket.close(POLICY_VIOLATION, 'this runner has been removed')
  }
  log.info({ runner: runner.name }, 'runner attached')
  socket.on('close', (code) => log.info({ runner: runner.name, code }, 'runner detached'))
}

/** The guard accepts people as well: only a runner's identity counts here. */
export async function identify(request: FastifyRequest, store: Reads<'runners'>): Promise<Runner> {
  const identity = bearerToken(request)
  const runner = identity && (await store.runners.findByIdentity(hashToken(identity)))
  if (runner) return runner
  throw new NarwhalError(
    'unauthenticated',
    'no runner has this identity: it has been removed; join again with a new token',
  )
}

/** The runner is already attached here, and looks for another dispatcher. */
function refuseTwice(request: FastifyRequest, id: string): void {
  const attached = request.headers[ATTACHED_HEADER]
  if (typeof attached !== 'string' || !attached.split(',').includes(id)) return
  throw new NarwhalError('conflict', `this runner is already attached to ${id}`)
}
