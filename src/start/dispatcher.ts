import { registerProofRoute } from '../api/auth/proof-route.ts'
import { registerSessionRoutes } from '../api/auth/session-routes.ts'
import { registerReadRoutes } from '../api/reads/read-routes.ts'
import { Dispatcher } from '../dispatcher/dispatcher.ts'
import { registerDispatcherMetrics } from '../dispatcher/metrics.ts'
import { registerAttachRoute } from '../dispatcher/routes/attach-routes.ts'
import { registerCommandRoutes } from '../dispatcher/routes/command-routes.ts'
import { registerJoinRoutes } from '../dispatcher/routes/join-routes.ts'
import { registerLeaveRoute } from '../dispatcher/routes/leave-route.ts'
import { heartbeatsOnThread } from '../dispatcher/seat/heartbeat-thread.ts'
import { listen } from '../http/server.ts'
import { requireGit } from '../lib/git/git-version.ts'
import { present } from '../lib/present.ts'
import { ownTokenPath } from '../lib/reach/own-token.ts'
import { dataFolder, type Launch, openContext, untilAborted } from './context.ts'
import {
  commandSettings,
  createApiServer,
  openAuditKeeping,
  openBrokerOf,
  openIdTokens,
  openRunnerKeeping,
  openStatuses,
  openStoreOf,
  openTraces,
  openVaultOf,
  requireApart,
} from './open-parts.ts'
import { openGuard, openRetention } from './open-retention.ts'
import { ensureOwnToken } from './own-token.ts'
import { pipelineOptions } from './pipeline-options.ts'
import { openTls } from './tls.ts'

const PORT = 4748

/** `narwhal dispatcher`: places jobs on runners until the process is stopped. */
export async function runDispatcher(launch: Launch): Promise<void> {
  const context = await openContext(launch, 'dispatcher')
  const { config, log, metrics, gitEnv } = context
  requireApart(context.config, ['broker', 'database'])
  await using stack = new AsyncDisposableStack()
  const tls = stack.use(openTls(context))
  const broker = stack.use(await openBrokerOf(context))
  const store = stack.use(await openStoreOf(context, undefined))
  const dataDir = dataFolder(launch, config.data)
  const vault = await openVaultOf(context, store, dataDir)
  await requireGit(gitEnv)
  const guard = stack.use(openGuard(context, store))
  const server = await createApiServer(context, { store, broker, guard, tls: tls.server })
  const { minter } = stack.use(openIdTokens(context, { store, vault }))
  registerProofRoute(server, dataDir)
  registerSessionRoutes(server, { store, publicUrl: config['public-url'] })
  const dispatcher = stack.use(
    await Dispatcher.start(
      { store, broker, vault, minter, gitEnv, log, tls: tls.client, guard },
      {
        ...pipelineOptions(config),
        // `requireApart` has checked that there is a shared database.
        ...present({
          startHeartbeats: config.database && heartbeatsOnThread(config.database, log),
          url: config.advertise,
        }),
      },
    ),
  )
  const kept = stack.use(openRetention(context, { store, dispatcher, guard }))
  stack.use(await openTraces(context, { dispatcher, store }))
  stack.use(openAuditKeeping(context, store))
  stack.use(openRunnerKeeping(context, { store, dispatcher }))
  const statuses = stack.use(openStatuses(context, { dispatcher, store, vault }))
  registerDispatcherMetrics(metrics, { dispatcher, broker })
  const { issuer } = minter
  registerReadRoutes(server, { store, live: dispatcher, issuer })
  const settings = commandSettings(config)
  registerCommandRoutes(server, { kept, dispatcher, store, vault, gitEnv, statuses, ...settings })
  const { host, port = PORT } = config
  registerJoinRoutes(server, store)
  const { pool } = dispatcher
  registerAttachRoute(server, { store, pool, dispatcherId: () => dispatcher.id, log })
  registerLeaveRoute(server, { store, pool })
  stack.defer(() => server.close())
  // Before it listens: a runner with the configured token must not be rejected.
  const { isNew } = await ensureOwnToken(store, dataDir, config['first-token'])
  if (isNew) {
    launch.io.stdout.write(
      `An administrator's access token is in ${ownTokenPath(dataDir, 'access')}.\n`,
    )
  }
  const { url } = await listen(server, { host, port })
  log.info({ url }, 'dispatcher is ready')
  await untilAborted(context.signal)
}
