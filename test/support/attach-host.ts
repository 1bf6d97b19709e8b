import { guardApi } from '../../src/api/auth/auth.ts'
import { createToken, hashToken } from '../../src/api/auth/tokens.ts'
import { registerRunnerReads } from '../../src/api/reads/read-routes-runners.ts'
import type { RunnerId } from '../../src/core/ids.ts'
import type { Runner } from '../../src/core/runner/runner.ts'
import { registerAttachRoute } from '../../src/dispatcher/routes/attach-routes.ts'
import { AttachedConnector } from '../../src/dispatcher/runners/attached-connector.ts'
import { openMetrics } from '../../src/http/metrics.ts'
import { createHttpServer, listen } from '../../src/http/server.ts'
import type { HeartbeatOptions } from '../../src/lib/async/heartbeat.ts'
import { silentLog } from '../../src/lib/log.ts'
import { newId } from '../../src/lib/new-id.ts'
import type { ServerTls } from '../../src/lib/tls/tls-files.ts'
import type { Store } from '../../src/store/store.ts'

/** The part of a dispatcher that runners attach to, without what it does with them. */
export interface AttachHost extends AsyncDisposable {
  readonly url: string
  readonly id: `dispatcher_${string}`
  readonly connectors: ReadonlyMap<RunnerId, AttachedConnector>
  /** As if the process had been killed. */
  cut(): void
}

/** Requires tokens, unless `isOpen`, and has a seat in the store. */
export async function openAttachHost(
  store: Store,
  options: {
    readonly port?: number
    readonly tellsUrl?: boolean
    readonly isOpen?: boolean
    readonly heartbeat?: HeartbeatOptions
    readonly tls?: ServerTls
  } = {},
): Promise<AttachHost> {
  const id = newId('dispatcher')
  const log = silentLog()
  const ready = () => store.ping()
  const { tls } = options
  const about = { metrics: openMetrics(), version: 'test' }
  const server = await createHttpServer({ log, ready, tls, ...about })
  guardApi(server, store, { loopbackOnly: options.isOpen ?? false })
  registerRunnerReads(server, store)
  const connectors = new Map<RunnerId, AttachedConnector>()
  registerAttachRoute(server, {
    store,
    log,
    dispatcherId: () => id,
    ...(options.heartbeat ? { heartbeat: options.heartbeat } : {}),
    pool: {
      accept: async (runner, socket) => {
        const connector = connectors.get(runner.id) ?? new AttachedConnector()
        connectors.set(runner.id, connector)
        connector.accept(socket)
      },
    },
  })
  const { url } = await listen(server, { host: '127.0.0.1', port: options.port ?? 0 })
  const seat = { id, startedAt: Date.now(), ...(options.tellsUrl === false ? {} : { url }) }
  await store.transact((write) => write.dispatchers.takeSeat(seat))
  return {
    url,
    id,
    connectors,
    cut: () => {
      for (const client of server.websocketServer.clients) client.terminate()
    },
    [Symbol.asyncDispose]: async () => {
      for (const connector of connectors.values()) await connector[Symbol.asyncDispose]()
      await server.close()
      await store.transact((write) => write.dispatchers.endSeats([{ id }]))
    },
  }
}

/** Registers an attached runner, and returns its identity. */
export async function addIdentity(
  store: Store,
  name = 'far',
): Promise<{ readonly record: Runner; readonly identity: string }> {
  const identity = createToken()
  const record: Runner = {
    id: newId('runner'),
    name,
    link: { kind: 'attached', identityHash: hashToken(identity) },
    members: 0,
    state: 'offline',
    labels: [],
    engines: [],
    slots: 0,
    busy: 0,
    draining: false,
    failures: 0,
    registeredAt: Date.now(),
  }
  await store.transact((write) => write.runners.save(record))
  return { record, identity }
}
