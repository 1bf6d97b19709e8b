import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../../test/support/eventually.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { installScript } from '../../steps/packages.ts'
import { archiveContract } from '../contract/archive.contract.ts'
import { ContractFixture } from '../contract/contract-fixture.ts'
import { readContract } from '../contract/read.contract.ts'
import type { Sandbox } from '../executor.ts'
import { folderWorkspace } from '../workspace.ts'
import { FakeExecutor } from './fake.ts'

const contract = new ContractFixture('fake', async () => new FakeExecutor(), {
  skip: false,
  isolated: true,
  baseEnv: [],
  leftovers: async () => [],
})
const write = (path: string, text: string) => `write ${path} ${text}`
readContract(contract, write)
archiveContract(contract, write)

const NOTHING = new AbortController().signal
const limits = { memoryBytes: 1, cpus: 1, processes: 1 }
const spec = { name: 'job_a/1', workspace: folderWorkspace('/nowhere'), limits, isStranger: false }

async function run(sandbox: Sandbox, script: string, env = {}, signal = NOTHING) {
  const text = { stdout: '', stderr: '' }
  const hear = (stream: 'stdout' | 'stderr', chunk: Uint8Array) => {
    text[stream] += Buffer.from(chunk).toString()
  }
  const exit = await sandbox.run({ script, env }, hear, signal)
  return { ...exit, ...text }
}

function isMisuse(error: unknown): boolean {
  return error instanceof NarwhalError && error.code === 'internal'
}

test('fake: runs its script language', async () => {
  await using executor = new FakeExecutor()
  await using sandbox = await executor.open(spec, NOTHING)
  const script =
    'print hello $NAME\nprint-error oh ${NAME}\necho $HOME\n\nsleep 1\nexit 3\nprint no'
  assert.deepEqual(await run(sandbox, script, { NAME: 'you' }), {
    exitCode: 3,
    stdout: 'hello you\necho $HOME\n',
    stderr: 'oh you\n',
  })
  const flood = await run(sandbox, 'flood 20000')
  assert.equal(flood.stdout.split('\n').length, 20_001)
  assert.ok(flood.stdout.endsWith('\nline 20000\n'))
  await assert.rejects(run(sandbox, 'crash the engine is gone'), {
    code: 'unavailable',
    message: 'the engine is gone',
  })
  let installed = ''
  const installs = ['make', 'git']
  const hear = (_: string, chunk: Uint8Array) => void (installed += Buffer.from(chunk).toString())
  const step = { script: installScript(installs), env: {}, installs }
  assert.deepEqual(await sandbox.run(step, hear, NOTHING), { exitCode: 0 })
  assert.equal(installed, '# narwhal: install make git\n')
})

test('fake: stops on abort and on disposal', async () => {
  await using executor = new FakeExecutor()
  const sandbox = await executor.open(spec, NOTHING)
  const stop = new AbortController()
  const aborted = run(sandbox, 'sleep 100000', {}, stop.signal)
  stop.abort(new Error('enough'))
  await assert.rejects(aborted, /enough/)
  const disposed = run(sandbox, 'sleep 100000')
  const rejected = assert.rejects(disposed, { code: 'cancelled' })
  await sandbox[Symbol.asyncDispose]()
  await rejected
})

test("fake: can't pull an image whose name begins with missing", async () => {
  await using executor = new FakeExecutor()
  const opening = executor.open({ ...spec, image: 'missing:1' }, NOTHING)
  await assert.rejects(opening, { code: 'not_found' })
})

test('fake: rejects misuse by its callers', async () => {
  const executor = new FakeExecutor()
  const sandbox = await executor.open(spec, NOTHING)
  assert.deepEqual(executor.openSandboxes, ['job_a/1'])
  await assert.rejects(executor.open(spec, NOTHING), isMisuse)
  const first = run(sandbox, 'sleep 1')
  await assert.rejects(run(sandbox, 'print'), isMisuse)
  await first
  await sandbox[Symbol.asyncDispose]()
  await sandbox[Symbol.asyncDispose]()
  assert.deepEqual(executor.openSandboxes, [])
  await assert.rejects(run(sandbox, 'print'), isMisuse)
  await executor[Symbol.asyncDispose]()
  await assert.rejects(executor.open(spec, NOTHING), isMisuse)
})

test('fake: does nothing while it is paused', async () => {
  await using executor = new FakeExecutor()
  await using sandbox = await executor.open(spec, NOTHING)
  await sandbox.pause()
  let heard = ''
  const hear = (_: string, chunk: Uint8Array) => void (heard += Buffer.from(chunk).toString())
  const script = 'print one\nsleep 100\nprint two\nflood 20000\nprint three'
  const running = sandbox.run({ script, env: {} }, hear, NOTHING)
  const still = async (text: string) => {
    const until = performance.now() + 150
    await eventually(() => performance.now() > until)
    assert.equal(heard, text)
  }
  await still('')
  await sandbox.resume()
  await eventually(() => heard === 'one\n')
  await Promise.all([sandbox.pause(), sandbox.pause()])
  await still('one\n')
  await sandbox.resume()
  await eventually(() => heard.startsWith('one\ntwo\nline 1\n'))
  await sandbox.pause()
  await still(heard)
  await sandbox.resume()
  assert.deepEqual(await running, { exitCode: 0 })
  assert.ok(heard.endsWith('line 20000\nthree\n'))
})

test('fake: can be aborted and disposed of while it is paused', async () => {
  await using executor = new FakeExecutor()
  const sandbox = await executor.open(spec, NOTHING)
  await sandbox.pause()
  const stop = new AbortController()
  const aborted = run(sandbox, 'sleep 100000', {}, stop.signal)
  stop.abort(new Error('enough'))
  await assert.rejects(aborted, /enough/)
  const rejected = assert.rejects(run(sandbox, 'sleep 100000'), { code: 'cancelled' })
  await sandbox[Symbol.asyncDispose]()
  await rejected
})

test('fake: has services, images of steps and background steps', async () => {
  await using executor = new FakeExecutor()
  const service = { name: 'db', image: 'db:1', env: { WHO: 'db' } }
  const heard: string[] = []
  const services = [
    { ...service, command: ['print', '$WHO'] },
    { ...service, name: 'other', command: ['sleep', '100000'] },
  ]
  const asked = { ...spec, images: ['node:24'], services }
  await using sandbox = await executor.open(
    {
      ...asked,
      onService: (index, event) => {
        const words = event.type === 'output' ? Buffer.from(event.chunk).toString() : event.type
        heard.push(`${index} ${words}`)
      },
    },
    NOTHING,
  )
  await eventually(() => heard.length === 4)
  assert.deepEqual(heard.toSorted(), ['0 db\n', '0 ended', '0 started', '1 started'])
  const end = new AbortController()
  const background = { end: end.signal }
  const step = { script: 'sleep 100000', env: {} }
  const beside = sandbox.run({ ...step, background }, () => {}, NOTHING)
  const script = { script: 'exit 3', env: {}, image: 'node:24' }
  assert.deepEqual(await sandbox.run(script, () => {}, NOTHING), { exitCode: 3 })
  await assert.rejects(
    sandbox.run({ ...script, image: 'node:25' }, () => {}, NOTHING),
    isMisuse,
  )
  end.abort()
  assert.deepEqual(await beside, { exitCode: 143 })
  const missing = { ...asked, name: 'job_b/1', services: [{ ...service, image: 'missing:1' }] }
  await assert.rejects(executor.open(missing, NOTHING), { code: 'not_found' })
})
