import { once } from 'node:events'
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect'
import { equalsConstantTime } from '../../lib/constant-time.ts'
import { hasCode, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { ServerTls } from '../../lib/tls/tls-files.ts'
import type { Runner } from '../runner.ts'
import { runnerHandler } from './runner-handler.ts'

export interface ServeOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** The token that callers must send as `authorization: Bearer …`. */
  readonly token: string
  /** Absent: plaintext HTTP/2 with prior knowledge. */
  readonly tls?: ServerTls | undefined
  readonly log: Logger
}

export interface ServedRunner extends AsyncDisposable {
  /** Where the runner can be reached, `http://host:port`, or `https:` with TLS. */
  readonly url: string
}

const PING_MS = 15_000
const SHUTDOWN_MS = 1_000
const HANDSHAKE_MS = 10_000

/**
 * Serves the runner by gRPC (and Connect's own protocols) over HTTP/2 until disposed, which leaves the
 * runner running. Rejects with `conflict` if the port is in use.
 */
export async function serveRunner(runner: Runner, options: ServeOptions): Promise<ServedRunner> {
  const shutdown = new AbortController()
  const handler = runnerHandler(runner, {
    interceptors: [requireToken(options.token)],
    shutdownSignal: shutdown.signal,
  })
  const server = openServer(options.tls, handler)
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    // Without a listener, Node would end the process.
    session.on('error', (err) => options.log.debug({ err }, 'connection broken'))
    endWhenDead(session)
  })
  await listen(server, options)
  const { port } = server.address() as AddressInfo
  return {
    url: `${options.tls ? 'https' : 'http'}://${reachable(options.host)}:${port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = server.listening ? once(server, 'close') : undefined
      server.close()
      shutdown.abort(new ConnectError('the runner is shutting down', Code.Unavailable))
      for (const session of sessions) session.close()
      const timer = setTimeout(() => {
        for (const session of sessions) session.destroy()
      }, SHUTDOWN_MS)
      await closed
      clearTimeout(timer)
    },
  }
}

function openServer(
  tls: ServerTls | undefined,
  handler: ReturnType<typeof runnerHandler>,
): Http2Server | Http2SecureServer {
  if (!tls) return createServer(handler)
  const server = createSecureServer({ ...tls.options, handshakeTimeout: HANDSHAKE_MS }, handler)
  tls.follow(server)
  return server
}

async function listen(
  server: Http2Server | Http2SecureServer,
  { host, port }: ServeOptions,
): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const taken = hasCode(error, 'EADDRINUSE')
    throw taken
      ? new NarwhalError('conflict', `port ${port} of ${host} is in use: choose another`, {
          cause: error,
        })
      : NarwhalError.from(error, 'invalid')
  }
}

/** Detects a dead peer: without pings that would take TCP's timeout of many minutes. */
function endWhenDead(session: ServerHttp2Session): void {
  let answered = true
  const timer = setInterval(() => {
    if (!answered) return session.destroy()
    answered = false
    session.ping(() => {
      answered = true
    })
  }, PING_MS).unref()
  session.on('close', () => clearInterval(timer))
}

function requireToken(token: string): Interceptor {
  const expected = `Bearer ${token}`
  return (next) => (request) => {
    const given = request.header.get('authorization') ?? ''
    if (equalsConstantTime(given, expected)) return next(request)
    throw new ConnectError('this runner requires its token', Code.Unauthenticated)
  }
}

/** The host for use by others: a wildcard becomes this machine's name. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::' || host === '') return hostname()
  return host.includes(':') ? `[${host}]` : host
}
