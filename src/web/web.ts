import { registerReadRoutes } from '../api/reads/read-routes.ts'
import type { Broker } from '../broker/broker.ts'
import { ROUTES, urlOf } from '../contract/rest/endpoints/routes.ts'
import type { HttpServer } from '../http/http-server.ts'
import type { Logger } from '../lib/log.ts'
import { present } from '../lib/present.ts'
import type { ClientTls } from '../lib/tls/tls-files.ts'
import type { Store } from '../store/store.ts'
import { registerCommandForwarding } from './forward-commands.ts'
import { LiveFeed } from './live-feed.ts'
import { registerLiveSocket } from './live-socket.ts'
import { RunnerSamples, registerRunnerSamples } from './runner-samples.ts'
import { registerUiFiles } from './ui-files.ts'

export interface WebDeps {
  readonly store: Store
  readonly broker: Broker
  readonly log: Logger
  /** The folder of the built app: `ui/dist` in a checkout. */
  readonly uiFolder: string
  /** Commands go to the first that answers; absent if the dispatcher's routes are on the same server. */
  readonly dispatcherUrls?: readonly string[]
  /** For dispatchers at `https:` URLs. */
  readonly tls?: ClientTls | undefined
  /** Of id tokens. */
  readonly issuer?: string | undefined
  /** Whether pages of this origin may open the WebSocket, in addition to the server's own. */
  readonly allowOrigin?: (origin: string) => boolean
  /** Milliseconds between pings of a WebSocket; 30,000 by default. */
  readonly pingMs?: number
  /** The maximum number of concurrent WebSockets; 1,000 by default. */
  readonly maxSockets?: number
}

/**
 * Adds the web part to a server that does not listen yet: reading routes (unless a dispatcher in the same
 * process has added them), the WebSocket, the runners' time series, the app. Authentication hooks must be
 * added before. Dispose after the server has closed.
 */
export async function startWeb(server: HttpServer, deps: WebDeps): Promise<AsyncDisposable> {
  const { store, broker, log, issuer } = deps
  await using starting = new AsyncDisposableStack()
  const feed = starting.use(await LiveFeed.open({ store, broker, log }))
  const samples = starting.use(new RunnerSamples(feed))
  const hasReads = server.hasRoute({ method: 'GET', url: urlOf(ROUTES.listPipelines) })
  if (!hasReads) registerReadRoutes(server, { store, live: feed, issuer })
  registerRunnerSamples(server, { store, samples })
  const { allowOrigin, pingMs, maxSockets, dispatcherUrls, tls } = deps
  registerLiveSocket(server, {
    store,
    feed,
    log,
    ...present({ allowOrigin, pingMs, maxSockets }),
  })
  if (dispatcherUrls) await registerCommandForwarding(server, { urls: dispatcherUrls, tls, store })
  await registerUiFiles(server, deps.uiFolder)
  return starting.move()
}
