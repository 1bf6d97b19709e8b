import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { freeNetworks } from '../../../test/support/free-networks.ts'
import { testImage, testService, uniquePrefix } from '../../../test/support/services.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { silentLog } from '../../lib/log.ts'
import { AutoExecutor } from './auto/auto.ts'
import { FakeExecutor } from './fake/fake.ts'
import { openExecutor } from './open-executor.ts'
import { folderWorkspace } from './workspace.ts'

const docker = testService('docker')
const NOTHING = new AbortController().signal
const folder = () => join(tmpdir(), uniquePrefix('narwhal-sandboxes-'))
const deps = () => ({
  log: silentLog(),
  instance: uniquePrefix(),
  folder: folder(),
  networks: freeNetworks(),
  hide: [],
})

/** Stands in for bubblewrap; `trouble` says why it does not work, '' that it does. */
class LocalStub extends FakeExecutor {
  trouble = ''
  override async probe(): Promise<string> {
    return this.trouble
  }
}

function auto(hosts: readonly string[], local: LocalStub): AutoExecutor {
  return new AutoExecutor({
    hosts,
    bubblewrap: local,
    docker: {
      instance: uniquePrefix(),
      folder: folder(),
      log: silentLog(),
      networks: freeNetworks(),
      runnerIsRoot: process.getuid?.() === 0,
      defaultImage: testImage(),
    },
  })
}

/** Serves an engine's socket at another path, as if the engine had been started there. */
async function serveAt(path: string) {
  const target = docker.url.replace('unix://', '')
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = createConnection({ path: target, allowHalfOpen: true })
    near.pipe(far).pipe(near)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
  })
  server.listen(path)
  await once(server, 'listening')
  return { [Symbol.asyncDispose]: async () => void server.close() }
}

function spec(workspace: string, image?: string) {
  const limits = { memoryBytes: 64 * 1024 ** 2, cpus: 1, processes: 64 }
  return {
    name: `job_${uniquePrefix()}/1`,
    workspace: folderWorkspace(workspace),
    limits,
    isStranger: false,
    ...(image ? { image } : {}),
  }
}

test('opens the executor that is named', async () => {
  for (const kind of ['bubblewrap', 'process', 'fake', 'docker'] as const) {
    await using executor = await openExecutor({ kind, host: 'unix:///nowhere/x.sock' }, deps())
    assert.deepEqual(executor.engines, [kind])
  }
})

test('refuses a malformed engine address', async () => {
  const opening = openExecutor({ kind: 'docker', host: 'nonsense' }, deps())
  await assert.rejects(opening, { code: 'invalid' })
})

test('auto: says what to install if nothing works', async () => {
  await using dir = await tempDir()
  const local = new LocalStub()
  local.trouble = 'bubblewrap is not installed'
  await using executor = auto([`unix://${dir.join('a')}`, `unix://${dir.join('b')}`], local)
  const words = await executor.probe()
  assert.match(words, /bubblewrap is not installed; and no container engine answers at unix:/)
  assert.deepEqual(executor.engines, [])
  await assert.rejects(executor.open(spec(dir.path), NOTHING), { code: 'unavailable' })
  await assert.rejects(executor.open(spec(dir.path, 'node:24'), NOTHING), { code: 'unavailable' })
})

test("auto: runs a stranger's job without an image in a container, or not at all", {
  skip: docker.skip,
}, async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('w'))
  const local = new LocalStub()
  await using executor = auto([`unix://${dir.join('docker.sock')}`], local)
  const theirs = { ...spec(dir.join('w')), isStranger: true }
  await assert.rejects(executor.open(theirs, NOTHING), {
    code: 'unavailable',
    message: /^a stranger's job needs a container engine: /,
  })
  await using _engine = await serveAt(dir.join('docker.sock'))
  await using sandbox = await executor.open(theirs, NOTHING)
  assert.equal(sandbox.handle?.kind, 'container')
  assert.deepEqual(local.openSandboxes, [])
})

test('auto: runs jobs without an image on this machine, and notices an engine that starts and stops', {
  skip: docker.skip,
}, async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('w'))
  const local = new LocalStub()
  await using executor = auto([`unix://${dir.join('docker.sock')}`], local)
  assert.equal(await executor.probe(), '')
  assert.deepEqual(executor.engines, ['bubblewrap'])
  await using plain = await executor.open(spec(dir.join('w')), NOTHING)
  assert.equal(local.openSandboxes.length, 1)
  assert.deepEqual(await plain.run({ script: 'exit 5', env: {} }, () => {}, NOTHING), {
    exitCode: 5,
  })
  const withImage = () => executor.open(spec(dir.join('w'), testImage()), NOTHING)
  await assert.rejects(withImage(), { code: 'unavailable' })
  {
    await using _engine = await serveAt(dir.join('docker.sock'))
    await using sandbox = await withImage()
    const exit = await sandbox.run({ script: 'exit 6', env: {} }, () => {}, NOTHING)
    assert.deepEqual(exit, { exitCode: 6 })
    assert.equal(await executor.probe(), '')
    assert.deepEqual(executor.engines, ['docker', 'bubblewrap'])
    local.trouble = 'gone'
    await using byDefault = await executor.open(spec(dir.join('w')), NOTHING)
    assert.equal((await byDefault.run({ script: 'true', env: {} }, () => {}, NOTHING)).exitCode, 0)
  }
  await assert.rejects(withImage(), { code: 'unavailable' })
})
