import type { HttpServer } from '../../src/http/http-server.ts'
import { openMetrics } from '../../src/http/metrics.ts'
import { createHttpServer, listen } from '../../src/http/server.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { ServerTls } from '../../src/lib/tls/tls-files.ts'
import { startWeb, type WebDeps } from '../../src/web/web.ts'
import { Stage } from './stage.ts'

export interface WebStage extends AsyncDisposable {
  readonly stage: Stage
  readonly server: HttpServer
  readonly url: string
}

/** A stage with a web server, listening on a free port. */
export async function openWebStage(
  more: Partial<WebDeps> & {
    readonly prepare?: (server: HttpServer, stage: Stage) => void
    readonly serverTls?: ServerTls
  } = {},
): Promise<WebStage> {
  await using parts = new AsyncDisposableStack()
  const { prepare, serverTls, ...deps } = more
  const stage = parts.use(await Stage.open())
  const { store, broker } = stage
  const log = silentLog()
  const server = await createHttpServer({
    log,
    metrics: openMetrics(),
    ready: () => store.ping(),
    version: '1.2.3',
    tls: serverTls,
  })
  prepare?.(server, stage)
  const uiFolder = '/nonexistent'
  parts.use(await startWeb(server, { store, broker, log, uiFolder, ...deps }))
  parts.defer(() => server.close())
  const { url } = await listen(server, { host: '127.0.0.1', port: 0 })
  const owned = parts.move()
  return { stage, server, url, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
