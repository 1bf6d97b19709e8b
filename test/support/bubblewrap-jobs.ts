import { mkdir } from 'node:fs/promises'
import { silentLog } from '../../src/lib/log.ts'
import type {
  Executor,
  Sandbox,
  SandboxLimits,
  StepExit,
} from '../../src/runner/executor/executor.ts'
import { BubblewrapExecutor } from '../../src/runner/executor/local/bubblewrap.ts'
import { folderWorkspace } from '../../src/runner/executor/workspace.ts'
import { freeNetworks } from './free-networks.ts'
import { uniquePrefix } from './services.ts'
import { type TempDir, tempDir } from './temp-dir.ts'

export const MIB = 1024 ** 2
const NOTHING = new AbortController().signal

export interface Ran extends StepExit {
  readonly output: string
}

/** Bubblewrap on this very machine, for tests that attack from inside. */
export interface BubblewrapJobs extends AsyncDisposable {
  readonly dir: TempDir
  readonly instance: string
  readonly executor: Executor
  /** What the executor has warned of. */
  readonly warnings: readonly string[]
  /** A job of its own, removed with the others. */
  open(limits?: Partial<SandboxLimits>): Promise<Sandbox>
}

export async function bubblewrapJobs(): Promise<BubblewrapJobs> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const instance = uniquePrefix()
  const warnings: string[] = []
  const executor = stack.use(
    new BubblewrapExecutor({
      instance,
      log: { ...silentLog(), warn: (first: unknown) => void warnings.push(String(first)) },
      networks: freeNetworks(),
      hide: [],
      folder: dir.join('sandboxes'),
    }),
  )
  let jobs = 0
  const owned = stack.move()
  return {
    dir,
    instance,
    executor,
    warnings,
    open: async (limits) => {
      jobs += 1
      const workspace = dir.join(`workspace-${jobs}`)
      await mkdir(workspace)
      return await executor.open(
        {
          name: `job_attack${jobs}/1`,
          workspace: folderWorkspace(workspace),
          limits: { memoryBytes: 512 * MIB, cpus: 1, processes: 256, ...limits },
          isStranger: false,
        },
        NOTHING,
      )
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** For node:test's `skip`: false if bubblewrap works. */
export async function withoutBubblewrap(): Promise<string | false> {
  await using executor = new BubblewrapExecutor({
    instance: uniquePrefix(),
    networks: freeNetworks(),
    hide: [],
  })
  return (await executor.probe()) || false
}

/** Runs a script as a step and collects its output; `onText` gets each chunk. */
export async function runIn(
  sandbox: Sandbox,
  script: string,
  options: { readonly signal?: AbortSignal; readonly onText?: (text: string) => void } = {},
): Promise<Ran> {
  let output = ''
  const exit = await sandbox.run(
    { script, env: {} },
    (_, chunk) => {
      const text = Buffer.from(chunk).toString()
      output += text
      options.onText?.(text)
    },
    options.signal ?? NOTHING,
  )
  return { ...exit, output }
}

/** Starts a script that runs until the disposal; resolves once it has printed `ready`. */
export async function startIn(sandbox: Sandbox, script: string): Promise<AsyncDisposable> {
  const stop = new AbortController()
  const ready = Promise.withResolvers<void>()
  let heard = ''
  const onText = (text: string): void => {
    heard += text
    if (heard.includes('ready')) ready.resolve()
  }
  const running = runIn(sandbox, script, { signal: stop.signal, onText })
  running.then(
    ({ output }) => ready.reject(new Error(`it ended before it was ready: ${output}`)),
    ready.reject,
  )
  await ready.promise
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort(new Error('enough'))
      await running.catch(() => {})
    },
  }
}
