import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { type Env, type NarwhalProcess, startNarwhal } from './narwhal-process.ts'
import { tempDir } from './temp-dir.ts'
import { RUNNER_TOKEN } from './tokens.ts'

/**
 * A process of `narwhal runner`, always on the same port and in the same folder; dialled with `RUNNER_TOKEN`.
 */
export interface RunnerProcess extends AsyncDisposable {
  readonly name: string
  readonly port: number
  readonly url: string
  /** The working directory of each step begins with it, so `pwd` in a log identifies the runner. */
  readonly folder: string
  readonly process: NarwhalProcess
  restart(): Promise<void>
}

/** `await using runner = await startRunnerProcess({ name: 'left' })`; its jobs are plain processes. */
export async function startRunnerProcess(options: {
  readonly name: string
  readonly labels?: string
  readonly slots?: number
  readonly args?: readonly string[]
  readonly env?: Env
}): Promise<RunnerProcess> {
  const { name, labels = '', slots = 2, args = [] } = options
  await using stack = new AsyncDisposableStack()
  const { path: folder } = stack.use(await tempDir('narwhal-member-'))
  const port = await freePort()
  const listening = ['--port', String(port), '--health-port', '0', '--data', folder]
  const about = ['--name', name, '--slots', String(slots), '--labels', labels]
  const launch = async (): Promise<NarwhalProcess> => {
    const command = ['runner', ...listening, ...about, '--executor', 'process:', ...args]
    const started = startNarwhal(command, { NARWHAL_RUNNER_TOKEN: RUNNER_TOKEN, ...options.env })
    await eventually(() => started.said().includes('runner is ready'), {
      message: `runner ${name}`,
      timeoutMs: 30_000,
    }).catch((cause: unknown) => {
      throw new Error(`runner ${name} is not ready: ${started.said()}`, { cause })
    })
    return started
  }
  let running = await launch()
  stack.defer(() => running[Symbol.asyncDispose]())
  const owned = stack.move()
  return {
    name,
    port,
    url: `http://127.0.0.1:${port}`,
    folder,
    get process() {
      return running
    },
    restart: async () => {
      running = await launch()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
