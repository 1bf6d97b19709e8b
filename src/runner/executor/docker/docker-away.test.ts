import assert from 'node:assert/strict'
import { mkdir, rm, symlink } from 'node:fs/promises'
import { test } from 'node:test'
import { eventually } from '../../../../test/support/eventually.ts'
import { freeNetworks } from '../../../../test/support/free-networks.ts'
import { findProcesses } from '../../../../test/support/sandbox-processes.ts'
import { testImage, testService, uniquePrefix } from '../../../../test/support/services.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { silentLog } from '../../../lib/log.ts'
import { folderWorkspace } from '../workspace.ts'
import { DockerExecutor } from './docker-executor.ts'
import { parseEngineAddress } from './engine/docker-address.ts'
import { DockerApi } from './engine/docker-api.ts'

const docker = testService('docker')
const skip = docker.skip || (docker.url.startsWith('unix://') ? false : 'needs a Unix socket')
const NOTHING = new AbortController().signal

/** An open sandbox of an engine that stops and starts as the test says. */
async function stage() {
  const stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  // A link to the real socket: without it nothing answers.
  const socket = dir.join('engine.sock')
  const comeBack = () => symlink(docker.url.slice('unix://'.length), socket)
  const goAway = () => rm(socket)
  await comeBack()
  await mkdir(dir.join('workspace'))
  const instance = uniquePrefix()
  const api = new DockerApi(parseEngineAddress(docker.url))
  const containers = () => api.listContainers('narwhal.runner', instance)
  stack.defer(async () => {
    for (const id of await containers()) await api.removeContainer(id)
  })
  const executor = stack.use(
    new DockerExecutor({
      host: `unix://${socket}`,
      runnerIsRoot: true,
      log: silentLog(),
      networks: freeNetworks(),
      instance,
      folder: dir.join('sandboxes'),
    }),
  )
  const limits = { memoryBytes: 64 * 1024 ** 2, cpus: 0.5, processes: 64 }
  const spec = {
    name: 'job_down/1',
    image: testImage(),
    workspace: folderWorkspace(dir.join('workspace')),
    limits,
    isStranger: false,
  }
  const sandbox = await executor.open(spec, NOTHING)
  const dispose = () => stack.disposeAsync()
  return { goAway, comeBack, executor, sandbox, containers, [Symbol.asyncDispose]: dispose }
}

test('docker: removes a container as soon as the engine is back', {
  skip,
}, async () => {
  await using at = await stage()
  await at.goAway()
  await assert.rejects(async () => at.sandbox[Symbol.asyncDispose](), { code: 'unavailable' })
  assert.notEqual(await at.executor.probe(), '')
  assert.equal((await at.containers()).length, 1)
  await at.comeBack()
  assert.equal(await at.executor.probe(), '')
  await eventually(async () => (await at.containers()).length === 0)
  await at.executor[Symbol.asyncDispose]()
})

test('docker: kills a step even while its engine is down', {
  skip: skip || (process.getuid?.() !== 0 && 'needs root'),
}, async () => {
  await using at = await stage()
  const seconds = String(500_000 + (process.pid % 100_000))
  const stop = new AbortController()
  const ready = Promise.withResolvers<void>()
  const step = { script: `(setsid sleep ${seconds} &)\necho ready; sleep ${seconds}`, env: {} }
  const running = at.sandbox.run(step, () => ready.resolve(), stop.signal)
  await ready.promise
  await at.goAway()
  stop.abort(new Error('enough'))
  await assert.rejects(running, /enough/)
  await eventually(async () => assert.deepEqual(await findProcesses(seconds), []))
  await at.comeBack()
})

test('docker: can be disposed of while the engine is down', { skip }, async () => {
  await using at = await stage()
  await at.goAway()
  await at.executor[Symbol.asyncDispose]()
  assert.equal((await at.containers()).length, 1)
})
