import { join } from 'node:path'
import { registerProofRoute } from '../api/auth/proof-route.ts'
import { registerSessionRoutes } from '../api/auth/session-routes.ts'
import { listen } from '../http/server.ts'
import { present } from '../lib/present.ts'
import { startWeb } from '../web/web.ts'
import { folderOf, type Launch, openContext, untilAborted } from './context.ts'
import { createApiServer, issuerOf, openBrokerOf, openStoreOf, requireApart } from './open-parts.ts'
import { openTls } from './tls.ts'

export const WEB_PORT = 4747

/** `narwhal web`: serves the page and the API until the process is stopped. */
export async function runWeb(launch: Launch): Promise<void> {
  const context = await openContext(launch, 'web')
  const { config, log } = context
  requireApart(config, ['broker', 'database', 'dispatcher'])
  await using stack = new AsyncDisposableStack()
  const tls = stack.use(openTls(context))
  const broker = stack.use(await openBrokerOf(context))
  const store = stack.use(await openStoreOf(context, undefined))
  const server = await createApiServer(context, { store, broker, tls: tls.server })
  registerProofRoute(server, folderOf(launch, config.data))
  registerSessionRoutes(server, { store, publicUrl: config['public-url'] })
  const uiFolder = join(launch.root, 'ui', 'dist')
  stack.use(
    await startWeb(server, {
      store,
      broker,
      log,
      uiFolder,
      issuer: issuerOf(config),
      tls: tls.client,
      ...present({ dispatcherUrls: config.dispatcher }),
    }),
  )
  stack.defer(() => server.close())
  const { host, port = WEB_PORT } = config
  const { url } = await listen(server, { host, port })
  log.info({ url }, 'web is ready')
  await untilAborted(context.signal)
}
