import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import {
  startTestRunner,
  type TestRunner,
  type TestRunnerOptions,
} from '#root/test/support/test-runner.ts'
import { RUNNER_TOKEN } from '#root/test/support/tokens.ts'
import type { RunnerSample } from '../../contract/rest/views.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { silentLog } from '../../lib/log.ts'
import type { Connector } from './connector.ts'
import { dialConnector } from './dial-connector.ts'
import { inProcessConnector } from './in-process-connector.ts'
import { newRunner } from './new-runner.ts'
import { RunnerLink } from './runner-link.ts'

const WITHIN = { timeoutMs: 20_000 }

/** A runner in this process, and links to it. */
async function openWorld(options: TestRunnerOptions = {}) {
  await using stack = new AsyncDisposableStack()
  const runner: TestRunner = stack.use(await startTestRunner(options))
  const owned = stack.move()
  return {
    runner,
    openLink(connector: Connector, over: Partial<Runner> = {}) {
      const samples: RunnerSample[] = []
      const record = newRunner({ name: 'one', link: { kind: 'in-process' } }, undefined)
      const link = new RunnerLink({
        record: { ...record, ...over },
        connector,
        log: silentLog(),
        onChange: (_link, sample) => void (sample && samples.push(sample)),
        onOrphans: () => {},
      })
      owned.use(link)
      return { link, samples }
    },
    dial: () => dialConnector({ url: runner.url, token: RUNNER_TOKEN, balanced: false }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function online(link: RunnerLink): Promise<void> {
  await eventually(() => link.record.state === 'online', { ...WITHIN, message: 'the runner' })
}

test('is online once its runner reports its load, and offline with the reason when that is lost', async () => {
  await using world = await openWorld({ slots: 3, labels: ['gpu'] })
  const { link, samples } = world.openLink(world.dial())
  assert.deepEqual([link.record.state, link.record.reason], ['offline', 'not connected yet'])
  await online(link)
  const { labels, engines, slots, busy, members, reason } = link.record
  assert.deepEqual([labels, engines, slots, busy, members], [['gpu'], ['fake'], 3, 0, 1])
  assert.equal(reason, undefined)
  assert.ok(samples.every(({ runnerId }) => runnerId === link.id) && samples.length > 0)
  await world.runner.stopServing()
  await eventually(() => link.record.state === 'offline', WITHIN)
  assert.ok(link.record.reason)
  assert.equal(link.record.slots, 3)
  await assert.rejects(link.client.describe(), { code: 'unavailable' })
})

test('a reserved slot is busy until it is released, and a full runner until its next report', async () => {
  await using world = await openWorld({ slots: 2 })
  const { link } = world.openLink(inProcessConnector(world.runner.transport))
  await online(link)
  const before = link.candidate()
  assert.equal(link.candidate(), before)
  const [one, two] = [link.reserve(), link.reserve()]
  assert.equal(link.candidate().busy, 2)
  one[Symbol.dispose]()
  one[Symbol.dispose]()
  assert.equal(link.candidate().busy, 1)
  two[Symbol.dispose]()
  assert.equal(link.candidate().busy, 0)
  link.onRefused()
  assert.equal(link.candidate().busy, 2)
  await eventually(() => link.candidate().busy === 0, WITHIN)
})

test('draining reaches the runner itself, and a quarantine holds on this side', async () => {
  await using world = await openWorld()
  const { link } = world.openLink(inProcessConnector(world.runner.transport))
  await online(link)
  await link.setDesired({ draining: true })
  assert.equal(link.record.state, 'draining')
  assert.equal(link.record.slots, 0)
  // Another dispatcher's link, which does not know of it.
  const { link: other } = world.openLink(inProcessConnector(world.runner.transport))
  await eventually(() => other.record.state === 'draining', WITHIN)
  await link.setDesired({ draining: false })
  await online(link)
  await online(other)
  await link.setDesired({ draining: false, asideReason: 'three failures' })
  assert.deepEqual([link.record.state, link.record.reason], ['set_aside', 'three failures'])
  assert.equal(other.record.state, 'online')
})

test('a runner that was to drain while it was offline drains when it connects', async () => {
  await using world = await openWorld()
  world.openLink(inProcessConnector(world.runner.transport), { draining: true })
  const { link: other } = world.openLink(inProcessConnector(world.runner.transport))
  await eventually(() => other.record.state === 'draining', WITHIN)
})

test('of the labels that a runner claims only those count that it was granted', async () => {
  await using world = await openWorld({ labels: ['gpu', 'admin'] })
  const { link } = world.openLink(inProcessConnector(world.runner.transport), {
    allowedLabels: ['gpu', 'big'],
  })
  await online(link)
  assert.deepEqual(link.candidate().labels, ['gpu'])
})

test('only an attached runner can be given a socket', async () => {
  await using world = await openWorld()
  const { link } = world.openLink(world.dial())
  const socket = new PassThrough()
  assert.throws(() => link.accept(socket), { code: 'conflict', message: /can't attach itself/ })
  socket.destroy()
})

test('a disposed link is closed, and its calls are rejected', async () => {
  await using world = await openWorld()
  const { link } = world.openLink(inProcessConnector(world.runner.transport))
  await online(link)
  await link[Symbol.asyncDispose]()
  assert.equal(link.isClosed, true)
  await assert.rejects(link.client.describe())
})
