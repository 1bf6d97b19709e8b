import { once } from 'node:events'
import { createServer, type ServerHttp2Session } from 'node:http2'
import type { Duplex } from 'node:stream'
import { Code, ConnectError } from '@connectrpc/connect'
import type { Logger } from '../../lib/log.ts'
import { runnerHandler } from '../link/runner-handler.ts'
import type { Runner } from '../runner.ts'

/** Serves a runner over sockets that the runner itself has opened. */
export interface SocketServer extends AsyncDisposable {
  /** Serves the calls that arrive over the socket until it closes. */
  serve(socket: Duplex): void
}

const SHUTDOWN_MS = 1_000

/** Disposal ends the calls and closes the sockets, but not the runner. */
export function serveSockets(runner: Runner, log: Logger): SocketServer {
  const shutdown = new AbortController()
  const server = createServer(runnerHandler(runner, { shutdownSignal: shutdown.signal }))
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    // Without a listener, Node would end the process.
    session.on('error', (err) => log.debug({ err }, 'attached connection broken'))
  })
  return {
    serve: (socket) => {
      socket.on('error', (err) => log.debug({ err }, 'attached socket broken'))
      server.emit('connection', socket)
    },
    [Symbol.asyncDispose]: async () => {
      shutdown.abort(new ConnectError('the runner is shutting down', Code.Unavailable))
      const open = [...sessions].filter((session) => !session.destroyed)
      const ends = open.map((session) => once(session, 'close'))
      for (const session of open) session.close()
      const timer = setTimeout(() => {
        for (const session of open) session.destroy()
      }, SHUTDOWN_MS)
      await Promise.allSettled(ends)
      clearTimeout(timer)
    },
  }
}
