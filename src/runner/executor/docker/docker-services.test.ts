import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { countJobNetworks } from '../../../../test/support/engine-networks.ts'
import { realNetworks } from '../../../../test/support/networks.ts'
import { testImage, testService, uniquePrefix } from '../../../../test/support/services.ts'
import { type TempDir, tempDir } from '../../../../test/support/temp-dir.ts'
import { silentLog } from '../../../lib/log.ts'
import { endSandbox } from '../../watchdog/end-sandbox.ts'
import { NOTHING, run } from '../contract/contract-fixture.ts'
import { scriptService, servicesContract, specWithServices } from '../contract/services.contract.ts'
import { DockerExecutor } from './docker-executor.ts'
import { parseEngineAddress } from './engine/docker-address.ts'
import { DockerApi } from './engine/docker-api.ts'
import { callEngine } from './engine/docker-http.ts'

const { url, skip } = testService('docker')
const api = new DockerApi(parseEngineAddress(url || 'unix:///nowhere'))

function open(instance: string): DockerExecutor {
  return new DockerExecutor({
    host: url,
    folder: join(tmpdir(), uniquePrefix('narwhal-sandboxes-')),
    runnerIsRoot: process.getuid?.() === 0,
    log: silentLog(),
    networks: realNetworks(),
    instance,
  })
}

/** Number of this runner's leftovers, not counting idle networks. */
async function leftOf(instance: string, idle = 2): Promise<number> {
  const containers = await api.listContainers('narwhal.runner', instance)
  return containers.length + Math.max(0, (await countJobNetworks(url, instance)) - idle)
}

/** The test's own image with this change, as `docker commit` takes it; it has no files of its own, and stays. */
async function changed(name: string, change: string): Promise<string> {
  const image = `narwhal-test/${name}:1`
  const engine = parseEngineAddress(url)
  const post = (path: string, body?: unknown) => callEngine(engine, { method: 'POST', path, body })
  const made = await post('/containers/create', { Image: testImage(), Cmd: ['true'] })
  const { Id } = JSON.parse(made.text) as { Id: string }
  const query = new URLSearchParams({ container: Id, repo: `narwhal-test/${name}`, tag: '1' })
  query.append('changes', change)
  const answer = await post(`/commit?${query.toString()}`)
  assert.equal(answer.status, 201, answer.text)
  await callEngine(engine, { method: 'DELETE', path: `/containers/${Id}` })
  return image
}

servicesContract('docker', {
  skip,
  image: testImage(),
  exposing: () => changed('exposing', 'EXPOSE 8080'),
  checked: () => changed('checked', 'HEALTHCHECK --interval=1s --retries=4 CMD test -e /ready'),
  open,
  left: leftOf,
})

/** An image that a script derives from the test's own, removed on disposal. */
async function imageAfter(executor: DockerExecutor, dir: TempDir, script: string) {
  const repo = `narwhal-test/${uniquePrefix()}`
  const { spec } = await specWithServices(dir, testImage(), { name: 'job_maker/1' })
  await using box = await executor.open(spec, NOTHING)
  await run(box, script)
  const id = box.handle?.kind === 'container' ? box.handle.id : ''
  const query = new URLSearchParams({ container: id, repo, tag: '1' })
  query.append('changes', 'ENTRYPOINT ["/httpd"]')
  const engine = parseEngineAddress(url)
  await callEngine(engine, { method: 'POST', path: `/commit?${query.toString()}` })
  const image = `${repo}:1`
  return {
    image,
    [Symbol.asyncDispose]: async () => {
      await callEngine(engine, { method: 'DELETE', path: `/images/${image}?force=1` })
    },
  }
}

test('docker: waits for the port of a service without a shell, and says what a command needs', {
  skip,
}, async () => {
  await using dir = await tempDir()
  const instance = uniquePrefix()
  await using executor = open(instance)
  const script = 'cp /bin/busybox /httpd; /bin/busybox rm -rf /bin /usr'
  await using bare = await imageAfter(executor, dir, script)
  const web = { name: 'web', image: bare.image, env: {}, command: ['-f', '-p', '8080'] }
  const timeoutMs = 60_000
  const { spec } = await specWithServices(dir, testImage(), {
    services: [{ ...web, ready: { ports: [8080], timeoutMs } }],
  })
  const box = await executor.open(spec, NOTHING)
  assert.match((await run(box, 'wget -qO- http://web:8080/ 2>&1 || true')).stdout, /404/)
  await box[Symbol.asyncDispose]()
  const command = await specWithServices(dir, testImage(), {
    services: [{ ...web, ready: { command: 'x', timeoutMs } }],
  })
  const words =
    /^service web can't be checked for readiness: its image has no \/bin\/sh for `ready`/
  await assert.rejects(executor.open(command.spec, NOTHING), { code: 'invalid', message: words })
  assert.equal(await leftOf(instance), 0)
})

test('docker: another image of a step has its own files and the workspace of all', {
  skip,
}, async () => {
  await using dir = await tempDir()
  const instance = uniquePrefix()
  await using executor = open(instance)
  await using made = await imageAfter(executor, dir, 'echo other >/etc/which')
  const second = await specWithServices(dir, testImage(), {
    name: 'job_two/1',
    images: [made.image],
  })
  await using box = await executor.open(second.spec, NOTHING)
  await run(box, 'echo one >file; echo main >/etc/which')
  const inOther = async (script: string, signal = NOTHING) => {
    let said = ''
    const hear = (_: string, chunk: Uint8Array) => void (said += Buffer.from(chunk))
    const { exitCode } = await box.run({ script, env: {}, image: made.image }, hear, signal)
    return `${said}${exitCode}`
  }
  assert.equal(await inOther('cat file /etc/which; echo two >>file'), 'one\nother\n0')
  assert.equal((await run(box, 'cat file /etc/which')).stdout, 'one\ntwo\nmain\n')
  const stop = new AbortController()
  const aborted = inOther('sleep 1000', stop.signal)
  setTimeout(() => stop.abort(new Error('enough')), 50)
  await assert.rejects(aborted, /enough/)
  assert.equal(await inOther('cat /etc/which'), 'other\n0')
  assert.equal((await run(box, 'cat /etc/which')).stdout, 'main\n')
})

test('docker: removes the services and networks of a previous process, and a watchdog ends them', {
  skip,
}, async () => {
  await using dir = await tempDir()
  const instance = uniquePrefix()
  await using former = open(instance)
  const { spec } = await specWithServices(dir, testImage(), {
    services: [scriptService(testImage(), 'web', 'exec sleep 1000')],
  })
  await using box = await former.open(spec, NOTHING)
  const { handle } = box
  assert.ok(handle?.kind === 'container')
  await endSandbox(handle)
  for (const id of [handle.id, ...(handle.others ?? [])]) {
    assert.notEqual((await api.inspectContainer(id))?.running, true)
  }
  await using executor = open(instance)
  assert.equal((await leftOf(instance, 0)) > 0, true)
  await executor.reap()
  assert.equal(await leftOf(instance, 0), 0)
})
