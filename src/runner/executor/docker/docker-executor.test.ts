import assert from 'node:assert/strict'
import { mkdir, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { realNetworks } from '../../../../test/support/networks.ts'
import { findProcesses } from '../../../../test/support/sandbox-processes.ts'
import { testImage, testService, uniquePrefix } from '../../../../test/support/services.ts'
import { type TempDir, tempDir } from '../../../../test/support/temp-dir.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { silentLog } from '../../../lib/log.ts'
import { executorContract } from '../contract/executor.contract.ts'
import { graceContract } from '../contract/grace.contract.ts'
import type { Sandbox, SandboxSpec } from '../executor.ts'
import { folderWorkspace } from '../workspace.ts'
import { DockerExecutor, type DockerExecutorOptions } from './docker-executor.ts'
import { parseEngineAddress } from './engine/docker-address.ts'
import { DockerApi } from './engine/docker-api.ts'

const docker = testService('docker')
const { skip } = docker
const NOTHING = new AbortController().signal
const MIB = 1024 ** 2

function open(options: Partial<DockerExecutorOptions> = {}): DockerExecutor {
  return new DockerExecutor({
    host: docker.url,
    folder: join(tmpdir(), uniquePrefix('narwhal-sandboxes-')),
    runnerIsRoot: process.getuid?.() === 0,
    log: silentLog(),
    networks: realNetworks(),
    instance: uniquePrefix(),
    ...options,
  })
}

for (const [name, options] of [
  ['docker', {}],
  ['docker by exec', { steps: 'exec' }],
] as const) {
  executorContract(name, async () => open(options), {
    skip,
    image: testImage(),
    isolated: true,
    workspace: '/workspace',
    baseEnv:
      process.getuid?.() === 0
        ? []
        : ['GIT_CONFIG_COUNT', 'GIT_CONFIG_KEY_0', 'GIT_CONFIG_VALUE_0'],
    leftovers: findProcesses,
  })
}

graceContract('docker', (graceMs) => open({ graceMs }), {
  skip,
  image: testImage(),
  leftovers: findProcesses,
})

async function specIn(dir: TempDir, image?: string): Promise<SandboxSpec> {
  await mkdir(dir.join('workspace'), { recursive: true })
  const limits = { memoryBytes: 64 * MIB, cpus: 0.5, processes: 64 }
  const spec = {
    name: 'job_docker/1',
    workspace: folderWorkspace(dir.join('workspace')),
    limits,
    isStranger: false,
  }
  return image === undefined ? spec : { ...spec, image }
}

async function output(sandbox: Sandbox, script: string): Promise<string> {
  let text = ''
  await sandbox.run({ script, env: {} }, (_, chunk) => void (text += Buffer.from(chunk)), NOTHING)
  return text
}

function fails(code: string, words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof NarwhalError)
    assert.deepEqual([error.code, words.test(error.message)], [code, true], error.message)
    return true
  }
}

/** The ids of the containers of this runner. */
async function containersOf(instance: string): Promise<readonly string[]> {
  return new DockerApi(parseEngineAddress(docker.url)).listContainers('narwhal.runner', instance)
}

test('docker: reports that a step ran out of memory', { skip }, async () => {
  await using dir = await tempDir()
  await using executor = open()
  await using sandbox = await executor.open(await specIn(dir, testImage()), NOTHING)
  const run = (script: string) => sandbox.run({ script, env: {} }, () => {}, NOTHING)
  const note = 'out of memory: the limit is 64 MiB'
  assert.deepEqual(await run('tail /dev/zero'), { exitCode: 137, note })
  assert.deepEqual(await run('tail /dev/zero || exit 3'), { exitCode: 3, note })
  assert.deepEqual(await run('exit 3'), { exitCode: 3 })
})

test('docker: limits processors, processes and open files', { skip }, async () => {
  await using dir = await tempDir()
  await using executor = open()
  await using sandbox = await executor.open(await specIn(dir, testImage()), NOTHING)
  assert.match(await output(sandbox, 'ulimit -n; ulimit -Hn'), /^16384\n16384\n$/)
  const bomb = 'i=0; while [ $i -lt 100 ]; do sleep 100 & i=$((i + 1)); done; echo all'
  assert.doesNotMatch(await output(sandbox, bomb), /^all$/m)
})

test('docker: survives a step that kills every process it sees', { skip }, async () => {
  await using dir = await tempDir()
  await using executor = open()
  await using sandbox = await executor.open(await specIn(dir, testImage()), NOTHING)
  const run = (script: string) => sandbox.run({ script, env: {} }, () => {}, NOTHING)
  await run('echo kept >/root/file')
  assert.equal((await run('kill -9 -1; sleep 100')).exitCode, 137)
  assert.equal((await run('kill -9 $PPID; sleep 0.1')).exitCode, 137)
  assert.equal(await output(sandbox, 'cat /root/file'), 'kept\n')
})

test('docker: removes its containers at the end, and those of a previous process at the start', {
  skip,
}, async () => {
  await using dir = await tempDir()
  const instance = uniquePrefix()
  await using former = open({ instance })
  await former.open(await specIn(dir, testImage()), NOTHING)
  assert.equal((await containersOf(instance)).length, 1)
  await using executor = open({ instance })
  const sandbox = await executor.open(await specIn(dir, testImage()), NOTHING)
  assert.equal((await containersOf(instance)).length, 1)
  await sandbox[Symbol.asyncDispose]()
  await sandbox[Symbol.asyncDispose]()
  assert.deepEqual(await containersOf(instance), [])
})

test('docker: leaves no container behind when opening is aborted', { skip }, async () => {
  await using dir = await tempDir()
  const instance = uniquePrefix()
  await using executor = open({ instance })
  const stop = new AbortController()
  const opening = executor.open(await specIn(dir, testImage()), stop.signal)
  setImmediate(() => stop.abort(new Error('changed my mind')))
  await assert.rejects(opening, /changed my mind/)
  assert.deepEqual(await containersOf(instance), [])
})

test('docker: empties the workspace from inside when the runner is not root', {
  skip,
}, async () => {
  await using dir = await tempDir()
  await using executor = open({ runnerIsRoot: false })
  await using sandbox = await executor.open(await specIn(dir, testImage()), NOTHING)
  await output(sandbox, 'mkdir -p a/b .c ..d; echo x >a/b/file; echo y >.c/file; chmod 0 a/b')
  assert.match(await output(sandbox, 'env'), /GIT_CONFIG_VALUE_0=\/workspace/)
  await sandbox[Symbol.asyncDispose]()
  assert.deepEqual(await readdir(dir.join('workspace')), [])
})

test('docker: says what is wrong with an image', { skip }, async () => {
  await using dir = await tempDir()
  await using executor = open()
  const refused = async (image: string | undefined, code: string, words: RegExp) =>
    assert.rejects(executor.open(await specIn(dir, image), NOTHING), fails(code, words))
  await refused(
    'alpine --privileged',
    'invalid',
    /"alpine --privileged" can't be a container image/,
  )
  await refused(undefined, 'invalid', /^this job names no image, .*set NARWHAL_DEFAULT_IMAGE$/)
  // An unreachable registry; tests use none on the internet.
  await refused('127.0.0.1:1/x:1', 'not_found', /^image 127\.0\.0\.1:1\/x:1 can't be pulled: .+/)
  assert.throws(() => open({ defaultImage: 'No Image' }), fails('invalid', /No Image/))
})

test('docker: uses the default image for a job without one', { skip }, async () => {
  await using dir = await tempDir()
  await using executor = open({ defaultImage: testImage() })
  await using sandbox = await executor.open(await specIn(dir), NOTHING)
  assert.equal(await output(sandbox, 'echo hello'), 'hello\n')
})

test("docker: says that the workspace is not on the engine's machine", { skip }, async () => {
  await using dir = await tempDir()
  await using executor = open()
  const spec = {
    ...(await specIn(dir, testImage())),
    workspace: folderWorkspace(dir.join('nowhere')),
  }
  await assert.rejects(executor.open(spec, NOTHING), fails('unavailable', /bind source path/))
})

test('docker: says what to do when the engine is down', async () => {
  await using dir = await tempDir()
  const host = `unix://${dir.join('no.sock')}`
  await using executor = open({ host })
  const words =
    /^the container engine at unix:.* does not answer: start it, or set NARWHAL_EXECUTOR/
  assert.match(await executor.probe(), words)
  const opening = executor.open(await specIn(dir, 'node:24'), NOTHING)
  await assert.rejects(opening, fails('unavailable', words))
  assert.throws(() => open({ host: 'ssh://me@there' }), fails('invalid', /tcp:\/\/host:port/))
})
