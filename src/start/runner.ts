import { ApiClient } from '../cli/client.ts'
import { createHttpServer, listen } from '../http/server.ts'
import { backoff } from '../lib/backoff.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { claimFolder } from '../runner/claim-folder.ts'
import { serveRunner } from '../runner/serve.ts'
import { dataFolder, isLoopback, type Launch, openContext, untilAborted } from './context.ts'
import { openExecutorOf, startRunnerOf } from './open-parts.ts'

const PORT = 4750

/** `narwhal runner`: runs jobs for a dispatcher until the process is asked to end. */
export async function runRunner(launch: Launch): Promise<void> {
  const context = await openContext(launch, 'runner')
  const { config, log, signal } = context
  const runnerToken = config['runner-token']
  if (!isLoopback(config.host) && !runnerToken) {
    throw new NarwhalError(
      'invalid',
      `whoever reaches ${config.host} could run anything here: set NARWHAL_RUNNER_TOKEN, or listen on loopback`,
    )
  }
  await using stack = new AsyncDisposableStack()
  const dataDir = dataFolder(launch, config.data)
  const claim = stack.use(await claimFolder(dataDir))
  const executor = stack.use(await openExecutorOf(context, dataDir))
  const trouble = await executor.probe()
  if (trouble) log.warn({ reason: trouble }, 'this runner can not run jobs yet')
  const runner = stack.use(await startRunnerOf(context, { executor, dataDir, claim }))
  const { host, port = PORT } = config
  const served = stack.use(
    await serveRunner(runner, { host, port, log, ...(runnerToken ? { token: runnerToken } : {}) }),
  )
  const health = await createHttpServer({
    log,
    metrics: context.metrics,
    version: context.version,
    ready: async () => {
      const reason = await executor.probe()
      if (reason) throw new NarwhalError('unavailable', reason)
    },
  })
  stack.defer(() => health.close())
  const { url: healthUrl } = await listen(health, { host, port: config['health-port'] })
  const url = config.advertise ?? served.url
  log.info({ url, health: healthUrl, name: config.name, slots: config.slots }, 'runner is ready')
  if (config.dispatcher) {
    const address = { server: config.dispatcher, ...(config.token ? { token: config.token } : {}) }
    const registration = { name: config.name, url, ...(runnerToken ? { token: runnerToken } : {}) }
    await register(new ApiClient(address, signal), registration, context)
  } else {
    log.info('no dispatcher is named: register this URL by `narwhal runner add`')
  }
  await untilAborted(signal)
}

/** Registers with the dispatcher; goes on trying while it is away. */
async function register(
  client: ApiClient,
  registration: { name: string; url: string; token?: string },
  { log, signal }: { log: Logger; signal: AbortSignal },
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
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
    await backoff(failures, { firstMs: 200, maxMs: 5_000 }, signal).catch(() => undefined)
  }
}
