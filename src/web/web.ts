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
  /** Where commands go, to the first that answers; absent where the dispatcher's routes are on the same server. */
  readonly dispatcherUrls?: readonly string[]
  /** For dispatchers at `https:` URLs. */
  readonly tls?: ClientTls | undefined
  /** Of id tokens. */
  readonly issuer?: string | undefined
  /** Whether pages of this origin may open the websocket besides those of the server itself. */
  readonly allowOrigin?: (origin: string) => boolean
  /** Milliseconds between two pings of a websocket; 30,000 unless told. */
  readonly pingMs?: number
  /** How many websockets there may be at a time; 1,000 unless told. */
  readonly mostSockets?: number
}

/**
 * Adds what people see to a server that does not listen yet: the reads (unless a dispatcher in the
 * same process has added them), the websocket, the runners' time series, the app. Hooks that
 * authenticate must be on the server before. Dispose after the server has closed.
 */
export async function startWeb(server: HttpServer, deps: WebDeps): Promise<AsyncDisposable> {
  const { store, broker, log, issuer } = deps
  await using starting = new AsyncDisposableStack()
  const feed = starting.use(await LiveFeed.open({ store, broker, log }))
  const samples = starting.use(new RunnerSamples(feed))
  const hasReads = server.hasRoute({ method: 'GET', url: urlOf(ROUTES.listPipelines) })
  if (!hasReads) registerReadRoutes(server, { store, live: feed, issuer })
  registerRunnerSamples(server, { store, samples })
  const { allowOrigin, pingMs, mostSockets, dispatcherUrls, tls } = deps
  registerLiveSocket(server, {
    store,
    feed,
    log,
    ...present({ allowOrigin }),
    ...(pingMs ? { pingMs } : {}),
    ...(mostSockets ? { mostSockets } : {}),
  })
  if (dispatcherUrls) await registerCommandForwarding(server, { urls: dispatcherUrls, tls, store })
  await registerUiFiles(server, deps.uiFolder)
  return starting.move()
}
