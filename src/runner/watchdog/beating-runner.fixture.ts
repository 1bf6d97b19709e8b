import { freeNetworks } from '../../../test/support/free-networks.ts'
import { silentLog } from '../../lib/log.ts'
import { type ExecutorConfig, openExecutor } from '../executor/open-executor.ts'
import { folderWorkspace } from '../executor/workspace.ts'
import { startWatchdog } from './watchdog.ts'
import { watchedExecutor } from './watched-executor.ts'

/**
 * A process that runs one step in a watched sandbox, as a runner does: the step appends heartbeats to files
 * in its workspace. It is configured by one JSON text, keeps the sandbox for as many milliseconds as it
 * reads from standard input, reports what it does in lines, and ends with its input.
 */
export interface BeatingRunner {
  readonly executor: ExecutorConfig
  readonly instance: string
  readonly image?: string
  readonly workspace: string
  /** For its sandboxes. */
  readonly folder: string
}

const BEAT = 'while :; do echo beat >>"$0"; sleep 0.02; done'
const SCRIPT = `(setsid sh -c '${BEAT}' beats-2 &)\nsh -c '${BEAT}' beats-1`

async function main(): Promise<void> {
  const config = JSON.parse(process.argv[2] ?? '') as BeatingRunner
  const { instance, image, workspace, folder } = config
  const log = silentLog()
  const stop = new AbortController()
  await using watchdog = startWatchdog({ log })
  const executor = await openExecutor(config.executor, {
    log,
    instance,
    folder,
    networks: freeNetworks(),
    hide: [],
  })
  await using watched = watchedExecutor(executor, watchdog)
  const limits = { memoryBytes: 64 * 1024 ** 2, cpus: 1, processes: 64 }
  const spec = {
    name: 'job_beating/1',
    workspace: folderWorkspace(workspace),
    limits,
    isStranger: false,
    ...(image ? { image } : {}),
  }
  await using sandbox = await watched.open(spec, stop.signal)
  process.stdin.on('end', () => stop.abort())
  process.stdin.on('data', (keepMs) => {
    sandbox.keepUntil?.(performance.now() + Number(keepMs))
    process.stdout.write('kept\n')
  })
  process.stdout.write('running\n')
  await sandbox
    .run({ script: SCRIPT, env: {} }, () => {}, stop.signal)
    .then(
      ({ exitCode }) => process.stdout.write(`exit code ${exitCode}\n`),
      (error: unknown) => process.stdout.write(`${String(error)}\n`),
    )
}

await main()
process.stdin.destroy()
