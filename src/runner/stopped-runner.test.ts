import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { test } from 'node:test'
import {
  AttemptClient,
  headOf,
  orderOf,
  runnerClient,
  runnerClientAt,
} from '../../test/support/attempt-client.ts'
import { eventually } from '../../test/support/eventually.ts'
import { gitRepository } from '../../test/support/git-repository.ts'
import { startRunnerProcess } from '../../test/support/runner-process.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { startTestRunner } from '../../test/support/test-runner.ts'
import { Fault } from '../contract/gen/narwhal/v1/runner_pb.js'
import { ProcessExecutor } from './executor/local/process.ts'

const LEASE_MS = 4_000
const STILL_MS = 600

const sizeOf = async (path: string): Promise<number> =>
  await stat(path).then(
    ({ size }) => size,
    () => 0,
  )

/** Until nothing is written into the file for a while. */
async function untilStill(path: string): Promise<number> {
  let last = -1
  let since = 0
  return await eventually(async () => {
    const size = await sizeOf(path)
    if (size !== last) since = performance.now()
    last = size
    return performance.now() - since > STILL_MS && size
  })
}

test('a runner process that was stopped beyond its lease finds it gone before it does anything', async () => {
  await using dir = await tempDir()
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using runner = await startRunnerProcess({ name: 'frozen' })
  const beats = dir.join('beats')
  const commands = [`while :; do echo beat >> ${beats}; sleep 0.05; done`, `touch ${beats}-2`]
  const client = runnerClientAt(runner.url)
  const order = orderOf(await headOf(repository), commands, { leaseMs: LEASE_MS })
  const attempt = new AttemptClient(client, order)
  await eventually(async () => (await sizeOf(beats)) > 0, { timeoutMs: 20_000 })
  attempt.confirms = false
  const { child } = runner.process
  child.kill('SIGSTOP')
  const stoppedAt = performance.now()
  await eventually(() => performance.now() - stoppedAt > LEASE_MS + 500)
  child.kill('SIGCONT')
  const still = await untilStill(beats)
  // It is let go on in its place, or was ended in time by somebody else and says so.
  const heartbeats = attempt.heartbeats.length
  await eventually(() => attempt.heartbeats.length > heartbeats || attempt.fault === Fault.RUNNER)
  assert.equal(await sizeOf(beats), still)
  attempt.confirms = true
  await eventually(async () => (await sizeOf(beats)) > still || attempt.fault === Fault.RUNNER)
  attempt.cancel('enough')
  await attempt.untilFinished()
  assert.match(attempt.words.at(-1) ?? '', /^finished (cancelled|error)/)
  assert.equal(await sizeOf(`${beats}-2`), 0)
  await untilStill(beats)
})

test('a cancel kills all that a step has started, and leaves nothing', async () => {
  await using dir = await tempDir()
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using executor = new ProcessExecutor({ instance: 'cancel-test' })
  await using served = await startTestRunner({ executor })
  const beats = dir.join('beats')
  const beat = `while :; do echo beat >> ${beats}; sleep 0.05; done`
  const commands = [`trap '' TERM INT HUP; (${beat}) & setsid sh -c '${beat}' & wait`]
  const order = orderOf(await headOf(repository), commands)
  const attempt = new AttemptClient(runnerClient(served.transport), order)
  await eventually(async () => (await sizeOf(beats)) > 50)
  attempt.cancel('enough')
  await attempt.untilFinished()
  assert.match(attempt.words.at(-1) ?? '', /^finished cancelled/)
  const size = await sizeOf(beats)
  assert.equal(await untilStill(beats), size)
  assert.equal(served.runner.busy, 0)
})
