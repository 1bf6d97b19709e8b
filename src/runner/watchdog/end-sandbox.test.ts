import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { freeNetworks } from '../../../test/support/free-networks.ts'
import { findProcesses } from '../../../test/support/sandbox-processes.ts'
import { testImage, testService, uniquePrefix } from '../../../test/support/services.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { silentLog } from '../../lib/log.ts'
import { DockerExecutor } from '../executor/docker/docker-executor.ts'
import { parseEngineAddress } from '../executor/docker/engine/docker-address.ts'
import { DockerApi } from '../executor/docker/engine/docker-api.ts'
import { PROCESS_MARK } from '../executor/processes/process-search.ts'
import { folderWorkspace } from '../executor/workspace.ts'
import { endSandbox } from './end-sandbox.ts'

const { url, skip } = testService('docker')
const NOTHING = new AbortController().signal

/** A container with a step that runs until it is ended. */
async function stage() {
  const stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  await mkdir(dir.join('workspace'))
  const folder = dir.join('sandboxes')
  const instance = uniquePrefix()
  const options = {
    host: url,
    folder,
    runnerIsRoot: true,
    log: silentLog(),
    networks: freeNetworks(),
    instance,
  }
  const executor = stack.use(new DockerExecutor(options))
  const limits = { memoryBytes: 64 * 1024 ** 2, cpus: 0.5, processes: 64 }
  const spec = {
    name: 'job_end/1',
    image: testImage(),
    workspace: folderWorkspace(dir.join('workspace')),
    limits,
    isStranger: false,
  }
  const sandbox = stack.use(await executor.open(spec, NOTHING))
  const seconds = String(600_000 + (process.pid % 100_000))
  const ready = Promise.withResolvers<void>()
  const step = { script: `echo ready; sleep ${seconds}`, env: {} }
  sandbox.run(step, () => ready.resolve(), NOTHING).catch(() => {})
  await ready.promise
  const { handle } = sandbox
  assert.ok(handle?.kind === 'container')
  const api = new DockerApi(parseEngineAddress(url))
  const state = async () => {
    const found = await api.inspectContainer(handle.id)
    return found ? (found.running ? 'running' : 'ended') : 'gone'
  }
  const processes = () => findProcesses(seconds)
  return { sandbox, handle, state, processes, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

for (const isPaused of [false, true]) {
  const what = isPaused ? 'a paused container' : 'a container'

  test(`${what} is ended and removed, and may be gone already`, { skip }, async () => {
    await using at = await stage()
    if (isPaused) await at.sandbox.pause()
    await endSandbox(at.handle)
    assert.equal(await at.state(), 'gone')
    await endSandbox(at.handle)
  })

  test(`${what} that is still needed is only ended`, { skip }, async () => {
    await using at = await stage()
    if (isPaused) await at.sandbox.pause()
    await endSandbox({ ...at.handle, remove: false })
    await eventually(async () => (await at.state()) === 'ended')
    await endSandbox({ ...at.handle, remove: false })
    assert.deepEqual(await at.processes(), [])
  })
}

test('what runs in a container ends although its engine is away', {
  skip: skip || (process.getuid?.() !== 0 && 'needs root'),
}, async () => {
  await using at = await stage()
  const away = endSandbox({ ...at.handle, host: 'unix:///nowhere/engine.sock' })
  await assert.rejects(away, { code: 'unavailable' })
  await eventually(async () => assert.deepEqual(await at.processes(), []))
})

test('processes with the mark end, with those they started, and no others', async () => {
  const mark = uniquePrefix()
  const seconds = String(700_000 + (process.pid % 100_000))
  const script = `env -i setsid sleep ${seconds} & wait`
  const start = (value: string) => {
    const env = { PATH: process.env['PATH'], [PROCESS_MARK]: value }
    const child = spawn('/bin/sh', ['-c', script], { env, stdio: 'ignore', detached: true })
    return { exited: once(child, 'exit') }
  }
  const ours = start(mark)
  const other = start(`${mark}-2`)
  await eventually(async () => (await findProcesses(seconds)).length === 2)
  await endSandbox({ kind: 'processes', mark })
  await ours.exited
  assert.equal((await findProcesses(seconds)).length, 1)
  await endSandbox({ kind: 'processes', mark: `${mark}-2` })
  await other.exited
  assert.deepEqual(await findProcesses(seconds), [])
})
