import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import type { Sandbox, SandboxHandle, SandboxSpec } from '../executor/executor.ts'
import { FakeExecutor } from '../executor/fake/fake.ts'
import { folderWorkspace } from '../executor/workspace.ts'
import type { Watchdog } from './watchdog.ts'
import { watchedExecutor } from './watched-executor.ts'

const NOTHING = new AbortController().signal
const limits = { memoryBytes: 1, cpus: 1, processes: 1 }
const spec = { name: 'job_a/1', workspace: folderWorkspace('/nowhere'), limits, isStranger: false }
const handle: SandboxHandle = { kind: 'processes', mark: 'nobody' }

/** Sandboxes without processes, but with something to watch. */
class HandledExecutor extends FakeExecutor {
  override async open(what: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    return Object.assign(await super.open(what, signal), { handle })
  }
}

/** Hears what a watchdog is told. */
function listeningWatchdog() {
  const told: (number | undefined | string)[] = []
  const watchdog: Watchdog = {
    watch: (name) => {
      told.push(`watch ${name}`)
      return { endAt: (atMs) => void told.push(atMs), release: () => void told.push('release') }
    },
    [Symbol.asyncDispose]: async () => {},
  }
  return { told, watchdog }
}

async function stage() {
  const { told, watchdog } = listeningWatchdog()
  const executor = watchedExecutor(new HandledExecutor(), watchdog)
  const sandbox = await executor.open(spec, NOTHING)
  const run = (script: string, signal = NOTHING) =>
    sandbox.run({ script, env: {} }, () => {}, signal)
  return { told, sandbox, run, [Symbol.asyncDispose]: () => executor[Symbol.asyncDispose]() }
}

const isOver = { code: 'unavailable', message: /not renewed in time/ }

test('a sandbox is watched from its opening to its disposal', async () => {
  await using at = await stage()
  assert.deepEqual(at.told, ['watch job_a/1'])
  assert.deepEqual(await at.run('exit 3'), { exitCode: 3 })
  await at.sandbox[Symbol.asyncDispose]()
  assert.deepEqual(at.told, ['watch job_a/1', 'release'])
})

test('what was prepared ahead is watched from its opening on', async () => {
  const { told, watchdog } = listeningWatchdog()
  const inner = new HandledExecutor()
  const open = (signal: AbortSignal) => inner.open(spec, signal)
  const prepared = Object.assign(inner, {
    take: () => ({ workspace: folderWorkspace('/ready'), open }),
  })
  await using executor = watchedExecutor(prepared, watchdog)
  const taken = executor.take?.(spec)
  assert.deepEqual(taken?.workspace, folderWorkspace('/ready'))
  assert.deepEqual(told, [])
  const sandbox = await taken?.open(NOTHING)
  assert.deepEqual(told, ['watch job_a/1'])
  await sandbox?.[Symbol.asyncDispose]()
  assert.deepEqual(told, ['watch job_a/1', 'release'])
})

test('the watchdog ends it a little before it must have ended, and not while it is paused', async () => {
  await using at = await stage()
  const later = performance.now() + 100_000
  at.sandbox.keepUntil?.(later)
  await at.sandbox.pause()
  at.sandbox.keepUntil?.(later + 5)
  await at.sandbox.resume()
  assert.deepEqual(at.told.slice(1), [later - 1_000, undefined, later + 5 - 1_000])
})

test('a moment that passes during a pause does not count if it is moved before it goes on', async () => {
  await using at = await stage()
  at.sandbox.keepUntil?.(performance.now() + 1_400)
  await at.sandbox.pause()
  const passed = performance.now() + 450
  await eventually(() => performance.now() > passed)
  at.sandbox.keepUntil?.(performance.now() + 100_000)
  await at.sandbox.resume()
  assert.deepEqual(await at.run('exit 0'), { exitCode: 0 })
})

test('once its moment has passed it is over for ever, and how its step ended says nothing', async () => {
  await using at = await stage()
  at.sandbox.keepUntil?.(performance.now() + 1_020)
  await assert.rejects(at.run('sleep 50\nexit 1'), isOver)
  at.sandbox.keepUntil?.(performance.now() + 100_000)
  await assert.rejects(at.run('exit 0'), isOver)
  await assert.rejects(at.sandbox.read('file', 1, NOTHING), isOver)
  const archive = at.sandbox.archive(['**'], { maxBytes: 1, signal: NOTHING })
  await assert.rejects(archive.next(), isOver)
  await assert.rejects(at.sandbox.pause(), isOver)
  await assert.rejects(at.sandbox.resume(), isOver)
  await at.sandbox[Symbol.asyncDispose]()
})

test('an abort is told as what it is, also past the moment', async () => {
  await using at = await stage()
  const stop = new AbortController()
  const running = at.run('sleep 100000', stop.signal)
  at.sandbox.keepUntil?.(performance.now())
  stop.abort(new Error('enough'))
  await assert.rejects(running, /enough/)
})

test('a sandbox without processes is given as it is', async () => {
  const { told, watchdog } = listeningWatchdog()
  await using executor = watchedExecutor(new FakeExecutor(), watchdog)
  const sandbox = await executor.open(spec, NOTHING)
  assert.equal('keepUntil' in sandbox, false)
  assert.deepEqual(told, [])
})
