import { ApiClient } from '../client/client.ts'
import { admitNobody, guardServer } from '../http/guard.ts'
import { createHttpServer, listen } from '../http/server.ts'
import { backoff } from '../lib/async/backoff.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { present } from '../lib/present.ts'
import { claimFolder } from '../runner/claim-folder.ts'
import type { Executor } from '../runner/executor/executor.ts'
import { serveRunner } from '../runner/link/serve.ts'
import { warnOfHoles } from '../runner/tools/find-tools.ts'
import { startWatchdog } from '../runner/watchdog/watchdog.ts'
import { watchedExecutor } from '../runner/watchdog/watched-executor.ts'
import { keepAttached } from './commands/attach-runner.ts'
import { dataFolder, type Launch, openContext, untilAborted } from './context.ts'
import { ensureRunnerToken, ownTokenFor } from './own-token.ts'
import {
  openExecutorOf,
  openForkServerOf,
  openNetworksOf,
  startRunnerOf,
  warmSandboxesOf,
} from './runner-parts.ts'
import { openTls } from './tls.ts'

type RunnerContext = Awaited<ReturnType<typeof openContext<'runner'>>>

const PORT = 4750
/** How long handing back and reporting the remaining jobs may take. */
const HAND_BACK_MS = 25_000

/** `narwhal runner`: runs jobs for a dispatcher until the process is stopped. */
export async function runRunner(launch: Launch): Promise<void> {
  const context = await openContext(launch, 'runner')
  const { config, log, signal } = context
  const urls = config.dispatcher
  // Only a dialled runner needs a port; otherwise it attaches itself.
  const isDialled = !urls || config.advertise !== undefined
  const ephemeral = launch.flags['ephemeral'] === true
  if (ephemeral && isDialled) throw notAttached()
  await using stack = new AsyncDisposableStack()
  const tls = stack.use(openTls(context, { takesTokens: isDialled }))
  const dataDir = dataFolder(launch, config.data)
  const claim = stack.use(await claimFolder(dataDir))
  stack.use(await openForkServerOf(context, dataDir))
  const warmSandboxes = warmSandboxesOf(context)
  const networks = stack.use(await openNetworksOf(context, dataDir, { stays: true, warmSandboxes }))
  // Before the executor, so that it outlives the sandboxes.
  const watchdog = stack.use(startWatchdog({ log }))
  const executor = stack.use(
    watchedExecutor(await openExecutorOf(context, { dataDir, networks, warmSandboxes }), watchdog),
  )
  const flawedTools = warnOfHoles(log)
  const trouble = await executor.probe()
  if (trouble) log.warn({ reason: trouble }, "runner can't run jobs yet")
  const runner = stack.use(await startRunnerOf(context, { executor, dataDir, claim, flawedTools }))
  const { host, port = PORT } = config
  const authority = isDialled
    ? { token: ensureRunnerToken(dataDir, config['runner-token']) }
    : undefined
  const served = authority
    ? stack.use(await serveRunner(runner, { host, port, log, tls: tls.server, ...authority }))
    : undefined
  const healthUrl = await serveHealth(context, executor, stack)
  const url = config.advertise ?? served?.url
  const about = { health: healthUrl, name: config.name, slots: config.slots }
  log.info({ ...present({ url }), ...about }, 'runner is ready')
  const { token } = config
  if (launch.stopping) launch.stopping.withinMs += config['drain-timeout'] + HAND_BACK_MS
  let ending = untilAborted(signal)
  if (!urls) {
    log.info('no dispatcher configured: register this URL with `narwhal runner add`')
  } else if (url) {
    const openClients = (): ApiClient[] =>
      urls.map((server) => {
        const shown = token === undefined ? ownTokenFor(server, dataDir) : { token }
        return new ApiClient({ server, tls: tls.client, ...shown }, signal)
      })
    const { name, labels } = config
    await register(openClients, { name, url, labels: [...labels], ...authority }, context)
  } else {
    const options = { urls, token, tls: tls.client, log, ephemeral }
    const { ended } = stack.use(keepAttached(runner, options))
    ending = Promise.race([ending, ended])
  }
  await ending
  log.info('draining: no new jobs are accepted, running ones may finish')
  await runner.close({ deadlineMs: config['drain-timeout'] })
}

function notAttached(): NarwhalError {
  const message =
    '--ephemeral is for attached runners: name the dispatchers with --dispatcher, and omit --advertise'
  return new NarwhalError('invalid', message)
}

/** Serves health checks and metrics, by plain HTTP. */
async function serveHealth(
  { config, log, metrics, version }: RunnerContext,
  executor: Executor,
  stack: AsyncDisposableStack,
): Promise<string> {
  const ready = async (): Promise<void> => {
    const reason = await executor.probe()
    if (reason) throw new NarwhalError('unavailable', reason)
  }
  const server = await createHttpServer({ log, metrics, version, ready })
  const { open, 'metrics-token': metricsToken } = config
  guardServer(server, { opened: new Set(open), metricsToken, admit: admitNobody })
  stack.defer(() => server.close())
  return (await listen(server, { host: config.host, port: config['health-port'] })).url
}

/** Registers with any of the dispatchers; retries while they are unavailable. */
async function register(
  openClients: () => readonly ApiClient[],
  registration: { name: string; url: string; labels: string[]; token?: string },
  { log, signal }: { log: Logger; signal: AbortSignal },
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    for (const client of openClients()) {
      try {
        const runner = await client.addRunner(registration)
        log.info({ runner: runner.id, dispatcher: client.address.server }, 'registered')
        return
      } catch (reason) {
        const error = NarwhalError.from(reason)
        if (error.code !== 'unavailable' && error.code !== 'exhausted') throw error
        if (failures === 0) {
          log.warn({ reason: describeError(error) }, 'registering failed: retrying')
        }
      }
    }
    await backoff(failures, { firstMs: 200, maxMs: 5_000 }, signal).catch(() => undefined)
  }
}
