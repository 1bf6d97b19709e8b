import { join } from 'node:path'
import { startAgent } from '../agent/agent.ts'
import { registerProofRoute } from '../api/auth/proof-route.ts'
import { registerSessionRoutes } from '../api/auth/session-routes.ts'
import { coloursFor } from '../cli/terminal/cli-io.ts'
import { Dispatcher } from '../dispatcher/dispatcher.ts'
import { registerDispatcherMetrics } from '../dispatcher/metrics.ts'
import { registerAttachRoute } from '../dispatcher/routes/attach-routes.ts'
import { registerCommandRoutes } from '../dispatcher/routes/command-routes.ts'
import { registerJoinRoutes } from '../dispatcher/routes/join-routes.ts'
import { registerLeaveRoute } from '../dispatcher/routes/leave-route.ts'
import { heartbeatsOnThread } from '../dispatcher/seat/heartbeat-thread.ts'
import { listen } from '../http/server.ts'
import { claimFolder } from '../runner/claim-folder.ts'
import type { OwnCheckoutExecutor } from '../runner/executor/local/own-checkout.ts'
import { inProcessTransport } from '../runner/link/in-process.ts'
import { warnOfHoles } from '../runner/tools/find-tools.ts'
import { startWeb } from '../web/web.ts'
import { buildFolder } from './build-folder.ts'
import { printSignIn } from './commands/sign-in.ts'
import { dataFolder, type Launch, openContext, untilAborted } from './context.ts'
import { ensureSandbox } from './ensure-sandbox.ts'
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
} from './open-parts.ts'
import { openGuard, openRetention } from './open-retention.ts'
import { ensureOwnToken } from './own-token.ts'
import { pipelineOptions } from './pipeline-options.ts'
import {
  openExecutorOf,
  openForkServerOf,
  openNetworksOf,
  startRunnerOf,
  warmSandboxesOf,
  withOwnCheckout,
} from './runner-parts.ts'
import { openTls, type Tls } from './tls.ts'
import { WEB_PORT } from './web.ts'

/**
 * `narwhal up`: agent, dispatcher, runner and web in one process, until it is stopped. With
 * `--build FOLDER` it first builds the folder, showing its progress.
 */
export async function runUp(launch: Launch): Promise<void> {
  const build = launch.flags['build']
  // The build is shown on the terminal; the usual log lines would interrupt it.
  const flags = build ? { logLevel: 'warn', ...launch.flags } : launch.flags
  const context = await openContext({ ...launch, flags }, 'up')
  const { config } = context
  await using stack = new AsyncDisposableStack()
  const dataDir = dataFolder(launch, config.data)
  const tls = stack.use(openTls(context))
  const parts = await openParts(launch, context, { dataDir, tls }, stack)
  // Before listening: the token must exist once the line that it is up is printed.
  const { token } = await ensureOwnToken(parts.store, dataDir, config['first-token'])
  const { host, port = WEB_PORT } = config
  const { url } = await listen(parts.server, { host, port })
  const { bold, cyan } = coloursFor(launch.io, launch.io.stdout)
  launch.io.stdout.write(`${bold('Narwhal')} is up: ${cyan(url)}\n`)
  await printSignIn(launch.io, parts.store, { token, url: config['public-url'] ?? url })
  const trouble = await ensureSandbox(parts, config.executor, launch.io)
  if (trouble) launch.io.stderr.write(`narwhal: ${warningOf(trouble, parts.ownCheckout)}\n`)
  if (typeof build === 'string' && (!trouble || parts.ownCheckout)) {
    const own = { url, dataDir, root: launch.root, token, tls: tls.ownClient }
    await buildFolder({ folder: build, ...own, context, io: launch.io })
  }
  parts.ownCheckout?.close()
  await untilAborted(context.signal)
}

function warningOf(trouble: string, ownCheckout: OwnCheckoutExecutor | undefined): string {
  return ownCheckout
    ? `only this checkout's own pipeline can run, as plain processes: ${trouble}`
    : trouble
}

type UpContext = Awaited<ReturnType<typeof openContext<'up'>>>

async function openParts(
  launch: Launch,
  context: UpContext,
  { dataDir, tls }: { dataDir: string; tls: Tls },
  stack: AsyncDisposableStack,
) {
  const { config, log, metrics, gitEnv } = context
  const claim = stack.use(await claimFolder(dataDir))
  stack.use(await openForkServerOf(context, dataDir))
  const broker = stack.use(await openBrokerOf(context))
  const store = stack.use(await openStoreOf(context, dataDir))
  const vault = await openVaultOf(context, store, dataDir)
  const { runner, ...sandboxes } = await openRunner(launch, context, { dataDir, claim }, stack)
  const guard = stack.use(openGuard(context, store))
  const server = await createApiServer(context, { store, broker, guard, tls: tls.server })
  registerProofRoute(server, dataDir)
  registerSessionRoutes(server, { store, publicUrl: config['public-url'] })
  stack.use(startAgent(server, { store, broker, vault, metrics, gitEnv, log }))
  const { minter } = stack.use(openIdTokens(context, { store, vault }))
  const { issuer } = minter
  const uiFolder = join(launch.root, 'ui', 'dist')
  stack.use(await startWeb(server, { store, broker, log, uiFolder, issuer }))
  const dispatcher = stack.use(
    await Dispatcher.start(
      { store, broker, vault, minter, gitEnv, log, tls: tls.client, guard },
      {
        ...pipelineOptions(config),
        // An SQLite file is used by one Narwhal; a server may be shared.
        ...(config.database?.kind === 'postgres'
          ? { startHeartbeats: heartbeatsOnThread(config.database, log) }
          : {}),
        inProcess: { name: config.name, transport: inProcessTransport(runner) },
      },
    ),
  )
  const kept = stack.use(openRetention(context, { store, dispatcher, guard }))
  stack.use(await openTraces(context, { dispatcher, store }))
  stack.use(openAuditKeeping(context, store))
  stack.use(openRunnerKeeping(context, { store, dispatcher }))
  const statuses = stack.use(openStatuses(context, { dispatcher, store, vault }))
  registerDispatcherMetrics(metrics, { dispatcher, broker })
  const settings = commandSettings(config)
  registerCommandRoutes(server, { kept, dispatcher, store, vault, gitEnv, statuses, ...settings })
  registerJoinRoutes(server, store)
  const { pool } = dispatcher
  registerAttachRoute(server, { store, pool, dispatcherId: () => dispatcher.id, log })
  registerLeaveRoute(server, { store, pool })
  stack.defer(() => server.close())
  return { server, store, ...sandboxes }
}

/** The runner and the executor of its jobs; each is disposed before its dependencies. */
async function openRunner(
  { flags }: Launch,
  context: UpContext,
  { dataDir, claim }: { dataDir: string; claim: AsyncDisposable },
  stack: AsyncDisposableStack,
) {
  const warmSandboxes = warmSandboxesOf(context)
  const networks = stack.use(await openNetworksOf(context, dataDir, { stays: true, warmSandboxes }))
  const executor = stack.use(await openExecutorOf(context, { dataDir, networks, warmSandboxes }))
  const own = { sandboxes: executor, folder: flags['build'] }
  const ownCheckout = stack.use(await withOwnCheckout(context, dataDir, own))
  const flawedTools = warnOfHoles(context.log)
  const parts = { executor: ownCheckout ?? executor, dataDir, claim, flawedTools }
  const runner = stack.use(await startRunnerOf(context, parts))
  return { runner, networks, executor, ownCheckout }
}
