import type { Transport } from '@connectrpc/connect'
import { readGitEnv } from '../../src/config/env.ts'
import type { FlawedTool } from '../../src/core/flawed-tool.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { Executor } from '../../src/runner/executor/executor.ts'
import { FakeExecutor } from '../../src/runner/executor/fake/fake.ts'
import { inProcessTransport } from '../../src/runner/link/in-process.ts'
import { serveRunner } from '../../src/runner/link/serve.ts'
import type { Runner } from '../../src/runner/runner.ts'
import { startRunner } from '../../src/runner/start-runner.ts'
import { tempDir } from './temp-dir.ts'
import { RUNNER_TOKEN } from './tokens.ts'

export interface TestRunnerOptions {
  /** Disposed of by its owner; absent: a `FakeExecutor` of its own. */
  readonly executor?: Executor
  readonly name?: string
  readonly slots?: number
  readonly labels?: readonly string[]
  /** `RUNNER_TOKEN` by default. */
  readonly token?: string
  /** Milliseconds that an attempt stays paused without a lease. */
  readonly orphanMs?: number
  readonly flawedTools?: readonly FlawedTool[]
  /** A folder that outlives the runner; absent: a temporary one. */
  readonly dataDir?: string
}

/** A runner in this process, in a temporary folder, served on loopback. */
export interface TestRunner extends AsyncDisposable {
  readonly runner: Runner
  /** `http://127.0.0.1:…`, for gRPC over plaintext HTTP/2. */
  readonly url: string
  readonly transport: Transport
  /** Breaks every connection and stops listening; the runner itself continues. */
  stopServing(): Promise<void>
}

/** `await using runner = await startTestRunner({ slots: 2 })` */
export async function startTestRunner(options: TestRunnerOptions = {}): Promise<TestRunner> {
  const { name = 'test', slots = 2, labels = [], token = RUNNER_TOKEN, orphanMs } = options
  const log = silentLog()
  const dir = await tempDir('narwhal-runner-')
  const fake = new FakeExecutor()
  const { executor = fake, dataDir = dir.path } = options
  const flawedTools = Promise.resolve(options.flawedTools ?? [])
  const runner = await startRunner(
    { log, executor, dataDir, gitEnv: readGitEnv(), flawedTools },
    { name, slots, labels, version: '0.0.0-test', ...(orphanMs ? { orphanMs } : {}) },
  )
  const served = await serveRunner(runner, {
    host: '127.0.0.1',
    port: 0,
    log,
    token,
  })
  return {
    runner,
    url: served.url,
    transport: inProcessTransport(runner),
    stopServing: async () => await served[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: async () => {
      await served[Symbol.asyncDispose]()
      await runner[Symbol.asyncDispose]()
      await fake[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}
