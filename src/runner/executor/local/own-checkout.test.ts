import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { uniquePrefix } from '../../../../test/support/services.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import type { Executor, SandboxSpec } from '../executor.ts'
import { FakeExecutor } from '../fake/fake.ts'
import { folderWorkspace } from '../workspace.ts'
import { OwnCheckoutExecutor } from './own-checkout.ts'
import { ProcessExecutor } from './process.ts'

const NOTHING = new AbortController().signal
const OWN = '/home/me/narwhal'

/** Sandboxes that are unavailable for this reason, or available if it is empty. */
function sandboxes(trouble: string): Executor {
  const fake = new FakeExecutor()
  return {
    engines: trouble ? [] : fake.engines,
    open: async (spec, signal) => {
      if (trouble) throw new NarwhalError('unavailable', trouble)
      return await fake.open(spec, signal)
    },
    probe: async () => trouble,
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  }
}

async function stage(trouble: string) {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  await mkdir(dir.join('workspace'))
  const plain = new ProcessExecutor({ instance: uniquePrefix() })
  const parts = { sandboxes: sandboxes(trouble), plain, sources: [OWN] }
  const executor = stack.use(new OwnCheckoutExecutor(parts))
  const spec: SandboxSpec = {
    name: 'job_own/1',
    source: OWN,
    workspace: folderWorkspace(dir.join('workspace')),
    limits: { memoryBytes: 2 ** 28, cpus: 1, processes: 64 },
    isStranger: false,
  }
  const owned = stack.move()
  return { executor, spec, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

test("RUN-01: without sandboxes, Narwhal's own checkout runs as plain processes", async () => {
  await using it = await stage('install bubblewrap')
  assert.equal(await it.executor.probe(), '')
  assert.deepEqual(it.executor.engines, ['process'])
  await using sandbox = await it.executor.open(it.spec, NOTHING)
  const { exitCode } = await sandbox.run({ script: 'exit 3', env: {} }, () => {}, NOTHING)
  assert.equal(exitCode, 3)
})

test('RUN-01b: nothing else does: no other repository, no stranger, no trial, no image', async () => {
  await using it = await stage('install bubblewrap')
  const { source: _, ...trial } = it.spec
  for (const spec of [
    { ...it.spec, source: '/home/me/other' },
    { ...it.spec, source: `${OWN}/../other` },
    { ...it.spec, isStranger: true },
    { ...it.spec, image: 'node:24' },
    trial,
  ]) {
    await assert.rejects(it.executor.open(spec, NOTHING), { message: 'install bubblewrap' })
  }
})

test('RUN-01c: nor does the own checkout once its first pipeline has finished', async () => {
  await using it = await stage('install bubblewrap')
  it.executor.close()
  assert.equal(await it.executor.probe(), 'install bubblewrap')
  assert.deepEqual(it.executor.engines, [])
  await assert.rejects(it.executor.open(it.spec, NOTHING), { message: 'install bubblewrap' })
})

test('with sandboxes, everything runs in one', async () => {
  await using it = await stage('')
  assert.deepEqual(it.executor.engines, ['fake'])
  await using sandbox = await it.executor.open(it.spec, NOTHING)
  const { exitCode } = await sandbox.run({ script: 'exit 4', env: {} }, () => {}, NOTHING)
  assert.equal(exitCode, 4)
  assert.deepEqual(it.executor.engines, ['fake'])
})
