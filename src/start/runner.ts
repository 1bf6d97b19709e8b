import { ApiClient } from '../client/client.ts'
import { admitNobody, guardServer } from '../http/guard.ts'
import { createHttpServer, listen } from '../http/server.ts'
import { backoff } from '../lib/async/backoff.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { claimFolder } from '../runner/claim-folder.ts'
import type { Executor } from '../runner/executor/executor.ts'
import { serveRunner } from '../runner/link/serve.ts'
import { warnOfHoles } from '../runner/tools/find-tools.ts'
import { startWatchdog } from '../runner/watchdog/watchdog.ts'
import { watchedExecutor } from '../runner/watchdog/watched-executor.ts'
import { keepAttached } from './commands/attach-runner.ts'
import { dataFolder, type Launch, openContext, untilAborted } from './context.ts'
import { ensureRunnerToken, ownTokenFor } from './own-token.ts'
import { openExecutorOf, openNetworksOf, startRunnerOf, warmSandboxesOf } from './runner-parts.ts'
import { openTls } from './tls.ts'

type RunnerContext = Awaited<ReturnType<typeof openContext<'runner'>>>

const PORT = 4750
/** How long handing back what is left may take at the most, and telling it. */
const HAND_BACK_MS = 25_000

async function warnOfTrouble(executor: Executor, log: Logger): Promise<void> {
  const trouble = await executor.probe()
  if (trouble) log.warn({ reason: trouble }, 'this runner can not run jobs yet')
}

/** `narwhal runner`: runs jobs for a dispatcher until the process is asked to end. */
export async function runRunner(launch: Launch): Promise<void> {
  const context = await openContext(launch, 'runner')
  const { config, log, signal } = context
  const urls = config.dispatcher
  // Only who is called needs a port; otherwise the runner calls, and is attached.
  const isDialled = !urls || config.advertise !== undefined
  const ephemeral = launch.flags['ephemeral'] === true
  if (ephemeral && isDialled) throw notAttached()
  await using stack = new AsyncDisposableStack()
  const tls = stack.use(openTls(context, { takesTokens: isDialled }))
  const dataDir = dataFolder(launch, config.data)
  const claim = stack.use(await claimFolder(dataDir))
  const warmSandboxes = warmSandboxesOf(context)
  const networks = stack.use(await openNetworksOf(context, dataDir, { stays: true, warmSandboxes }))
  // Before the executor, so that it sees to the sandboxes until they have ended.
  const watchdog = stack.use(startWatchdog({ log }))
  const executor = stack.use(
    watchedExecutor(await openExecutorOf(context, { dataDir, networks, warmSandboxes }), watchdog),
  )
  const flawedTools = warnOfHoles(log)
  await warnOfTrouble(executor, log)
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
  log.info({ ...(url ? { url } : {}), ...about }, 'runner is ready')
  const { token } = config
  launch.extendStop?.(config['drain-timeout'] + HAND_BACK_MS)
  let ending = untilAborted(signal)
  if (!urls) {
    log.info('no dispatcher is named: register this URL by `narwhal runner add`')
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
  log.info('no new jobs are taken; those that run may finish')
  await runner.close({ deadlineMs: config['drain-timeout'] })
}

function notAttached(): NarwhalError {
  const words =
    '--ephemeral is for runners that attach themselves: name the dispatchers with --dispatcher, and give no --advertise'
  return new NarwhalError('invalid', words)
}

/** What those who watch over processes ask, by plain HTTP. */
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

/** Registers with any of the dispatchers; goes on trying while they are away. */
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
          log.warn({ reason: describeError(error) }, 'the dispatcher is away; will try again')
        }
      }
    }
    await backoff(failures, { firstMs: 200, maxMs: 5_000 }, signal).catch(() => undefined)
  }
}
