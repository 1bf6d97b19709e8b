import { createServer } from 'node:http2'
import type { ServiceImpl } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { ApiClient } from '../../src/client/client.ts'
import { RunnerService } from '../../src/contract/gen/narwhal/v1/runner_pb.js'
import type { HeartbeatOptions } from '../../src/lib/async/heartbeat.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { ClientTls } from '../../src/lib/tls/tls-files.ts'
import { Attachments } from '../../src/runner/attach/attachments.ts'
import { type DispatcherSocket, dialDispatcher } from '../../src/runner/attach/dial-dispatcher.ts'
import { serveSockets } from '../../src/runner/attach/serve-sockets.ts'
import type { Runner } from '../../src/runner/runner.ts'

/** A runner's side of its attachments, running until disposed. */
export interface AttachedSide extends AsyncDisposable {
  readonly attachments: Attachments
  /** Resolves with what ended it, undefined after disposal. */
  readonly ended: Promise<unknown>
}

/** Attaches a runner to the dispatchers at the URLs, and to all that they name. */
export function attachTestRunner(
  runner: Runner,
  options: { readonly urls: readonly string[]; readonly identity: string } & {
    readonly heartbeat?: HeartbeatOptions
    readonly tls?: ClientTls | undefined
  },
): AttachedSide {
  const log = silentLog()
  const server = serveSockets(runner, log)
  const stop = new AbortController()
  const { identity: token, tls } = options
  const attachments = new Attachments({
    ...options,
    log,
    pollMs: 100,
    serve: (socket) => server.serve(socket),
    listDispatchers: (url, signal) =>
      new ApiClient({ server: url, token, tls }, signal).listDispatchers(),
  })
  const ended = attachments.run(stop.signal).then(
    () => undefined,
    (error: unknown) => error,
  )
  return {
    attachments,
    ended,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      stop.abort()
      await ended
    },
  }
}

/** Claims to be a runner, with answers from the test; closed on disposal. */
export async function attachRawRunner(
  url: string,
  identity: string,
  answers: Partial<ServiceImpl<typeof RunnerService>>,
): Promise<DispatcherSocket & Disposable> {
  const signal = new AbortController().signal
  const socket = await dialDispatcher({ url, identity, attached: [], signal })
  const handler = connectNodeAdapter({
    acceptCompression: [],
    routes: (router) => void router.service(RunnerService, answers),
  })
  const server = createServer(handler)
  server.on('session', (session) => session.on('error', () => {}))
  server.emit('connection', socket.stream)
  return { ...socket, [Symbol.dispose]: () => socket.stream.destroy() }
}
