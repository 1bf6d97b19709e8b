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
import type { StoreReader } from '../../store/store.ts'

export interface AttachDeps {
  readonly store: StoreReader
  /** Takes up the sockets; resolves when the runner's link has it. */
  readonly pool: { accept(runner: Runner, socket: Duplex): Promise<void> }
  /** Which dispatcher this is now. */
  readonly dispatcherId: () => string
  readonly log: Logger
  /** As `PING_MS` and `SILENCE_MS` unless told. */
  readonly heartbeat?: HeartbeatOptions
}

/** Close codes of RFC 6455. */
const INTERNAL_ERROR = 1011
const POLICY_VIOLATION = 1008

/** Adds the websocket by which runners attach themselves; each shows its own identity. */
export function registerAttachRoute(server: HttpServer, deps: AttachDeps): void {
  /** Handshakes that are let through, until they are done. */
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
      // Made at once, since the runner may speak at once.
      const stream = openSocketStream(socket, MOST_MESSAGE_BYTES)
      stream.on('error', (err) => deps.log.debug({ err }, "an attached runner's socket broke"))
      takeUp(deps, { runner, socket, stream }).catch((error: unknown) => {
        deps.log.warn({ runner: runner.name, reason: describeError(error) }, 'runner not attached')
        socket.close(INTERNAL_ERROR, 'the dispatcher can not take this runner up now')
      })
    },
  )
}

async function takeUp(
  { pool, store, log }: AttachDeps,
  { runner, socket, stream }: { runner: Runner; socket: WebSocket; stream: Duplex },
): Promise<void> {
  await pool.accept(runner, stream)
  // It may have been removed between its handshake and now; then nobody else closes the socket.
  const now = await store.runners.find(runner.id)
  if (!now || !isSameLink(now.link, runner.link)) {
    return socket.close(POLICY_VIOLATION, 'this runner was removed')
  }
  log.info({ runner: runner.name }, 'runner attached')
  socket.on('close', (code) => log.info({ runner: runner.name, code }, 'runner detached'))
}

/** The guard lets people by as well: a runner must be told apart from them, and from the others. */
export async function identify(
  request: FastifyRequest,
  store: Pick<StoreReader, 'runners'>,
): Promise<Runner> {
  const identity = bearerToken(request)
  const runner = identity && (await store.runners.findByIdentity(hashToken(identity)))
  if (runner) return runner
  throw new NarwhalError(
    'unauthenticated',
    'no runner has this identity: it was removed; it may join anew with a new token',
  )
}

/** The runner is attached here already, and was looking for another dispatcher. */
function refuseTwice(request: FastifyRequest, id: string): void {
  const attached = request.headers[ATTACHED_HEADER]
  if (typeof attached !== 'string' || !attached.split(',').includes(id)) return
  throw new NarwhalError('conflict', `this runner is attached to ${id} already`)
}
