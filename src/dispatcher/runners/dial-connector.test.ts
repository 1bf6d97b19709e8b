import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient } from '@connectrpc/connect'
import { FakeExecutor } from '#root/src/runner/executor/fake/fake.ts'
import { serveRunner } from '#root/src/runner/link/serve.ts'
import { startRunner } from '#root/src/runner/start-runner.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { RUNNER_TOKEN } from '#root/test/support/tokens.ts'
import { RunnerService } from '../../contract/gen/narwhal/v1/runner_pb.js'
import { silentLog } from '../../lib/log.ts'
import { dialConnector } from './dial-connector.ts'

const PING_MS = 20

test('a connection that is closed under its streams does not ping again', async () => {
  await using stack = new AsyncDisposableStack()
  const dataDir = stack.use(await tempDir()).path
  const log = silentLog()
  const executor = stack.use(new FakeExecutor())
  const deps = { log, executor, dataDir, gitEnv: {} }
  const runner = stack.use(await startRunner(deps, { name: 'one', slots: 1, labels: [] }))
  const token = RUNNER_TOKEN
  const served = stack.use(await serveRunner(runner, { host: '127.0.0.1', port: 0, log, token }))
  const { url } = served
  const connector = dialConnector({ url, token, balanced: true, pingIntervalMs: PING_MS })

  const closed = connector.connect()
  const watched = createClient(RunnerService, closed.transport).watchLoad({ intervalMs: 1_000 })
  const first = await watched[Symbol.asyncIterator]().next()
  assert.equal(first.value?.slots, 1)
  await closed[Symbol.asyncDispose]()

  // A ping would throw an uncaught error, which fails the test.
  await using other = connector.connect()
  const samples = createClient(RunnerService, other.transport).watchLoad({ intervalMs: PING_MS })
  let count = 0
  for await (const _ of samples) if (++count === 10) break
  assert.equal(count, 10)
})
