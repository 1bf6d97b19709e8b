import { startAgent } from '../agent/agent.ts'
import { listen } from '../http/server.ts'
import { requireGit } from '../lib/git/git-version.ts'
import { dataFolder, type Launch, openContext, untilAborted } from './context.ts'
import {
  createApiServer,
  openBrokerOf,
  openStoreOf,
  openVaultOf,
  requireApart,
} from './open-parts.ts'
import { openTls } from './tls.ts'

const PORT = 4749

/** `narwhal agent`: accepts commit events from forges until the process is stopped. */
export async function runAgent(launch: Launch): Promise<void> {
  const context = await openContext(launch, 'agent')
  requireApart(context.config, ['broker', 'database'])
  await using stack = new AsyncDisposableStack()
  const tls = stack.use(openTls(context))
  const broker = stack.use(await openBrokerOf(context))
  const store = stack.use(await openStoreOf(context, undefined))
  const vault = await openVaultOf(context, store, dataFolder(launch, context.config.data))
  await requireGit(context.gitEnv)
  const server = await createApiServer(context, { store, broker, tls: tls.server })
  const { log, metrics, gitEnv } = context
  stack.use(startAgent(server, { store, broker, vault, metrics, gitEnv, log }))
  stack.defer(() => server.close())
  const { host, port = PORT } = context.config
  const { url } = await listen(server, { host, port })
  log.info({ url, webhooks: `${url}/webhooks/` }, 'agent is ready')
  await untilAborted(context.signal)
}
