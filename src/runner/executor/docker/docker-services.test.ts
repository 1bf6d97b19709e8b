import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { countJobNetworks } from '../../../../test/support/engine-networks.ts'
import { eventually } from '../../../../test/support/eventually.ts'
import { realNetworks } from '../../../../test/support/networks.ts'
import { testImage, testService, uniquePrefix } from '../../../../test/support/services.ts'
import { type TempDir, tempDir } from '../../../../test/support/temp-dir.ts'
import type { ServiceSpec } from '../../../core/plan/plan.ts'
import { silentLog } from '../../../lib/log.ts'
import { endSandbox } from '../../watchdog/end-sandbox.ts'
import { MIB, NOTHING, run } from '../contract/contract-fixture.ts'
import type { SandboxSpec } from '../executor.ts'
import { folderWorkspace } from '../workspace.ts'
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

/** A service of BusyBox that runs a script. */
function service(name: string, script: string, more: Partial<ServiceSpec> = {}): ServiceSpec {
  return { name, image: testImage(), env: {}, command: ['sh', '-c', script], ...more }
}

async function specIn(dir: TempDir, more: Partial<SandboxSpec>) {
  const workspace = dir.join(uniquePrefix('workspace-'))
  await mkdir(workspace)
  const heard: string[] = []
  const limits = { memoryBytes: 64 * MIB, cpus: 0.5, processes: 64 }
  const spec: SandboxSpec = {
    name: 'job_services/1',
    image: testImage(),
    workspace: folderWorkspace(workspace),
    limits,
    isStranger: false,
    onService: (index, event) => {
      const { type } = event
      if (type === 'output')
        heard.push(`${index} ${event.stream} ${Buffer.from(event.chunk).toString()}`)
      else heard.push(`${index} ${type}`)
    },
    ...more,
  }
  return { spec, heard }
}

/** Number of this runner's leftovers, not counting idle networks. */
async function leftOf(instance: string, idle = 2): Promise<number> {
  const containers = await api.listContainers('narwhal.runner', instance)
  return containers.length + Math.max(0, (await countJobNetworks(url, instance)) - idle)
}

const WEB = 'mkdir /www; echo served by $NAME >/www/x; exec httpd -f -p 8080 -h /www'

test('docker: steps of all images reach services by their names, and no other job does', {
  skip,
}, async () => {
  await using dir = await tempDir()
  const instance = uniquePrefix()
  await using executor = open(instance)
  const ready = { ports: [8080], timeoutMs: 60_000 }
  const web = service('web', `echo starting; sleep 0.3; ${WEB}`, { env: { NAME: 'web' }, ready })
  const check = 'echo not yet >&2; wget -qO- http://web:8080/x'
  const command = { command: check, timeoutMs: 60_000 }
  const other = service('other', 'exec sleep 1000', { ready: command })
  const { spec, heard } = await specIn(dir, { services: [web, other], network: 'none' })
  // Another name of the same image gets a container of its own.
  const images = [testImage().replace(/:latest$/, '')]
  const image = images[0] ?? ''
  await using box = await executor.open({ ...spec, images }, NOTHING)
  assert.deepEqual(heard.filter((words) => words.endsWith('started')).sort(), [
    '0 started',
    '1 started',
  ])
  await eventually(() => heard.includes('0 stdout starting\n'))
  const fetched = 'wget -qO- http://web:8080/x'
  assert.equal((await run(box, fetched)).stdout, 'served by web\n')
  // An unknown name is answered at once, not left to time out.
  const unknown = await run(box, 'nslookup nobody 2>&1')
  assert.doesNotMatch(unknown.stdout, /timed out|no servers could be reached/)
  // No route out of the network of a job without one.
  const gateway = `$(ip route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p')`
  assert.notEqual((await run(box, `ping -c 1 -W 1 "${gateway}"`)).exitCode, 0)
  const step = { script: `${fetched}; pwd; hostname`, env: {}, image }
  let said = ''
  const exit = await box.run(step, (_, chunk) => void (said += Buffer.from(chunk)), NOTHING)
  assert.deepEqual([exit.exitCode, said], [0, 'served by web\n/workspace\nnarwhal\n'])
  const alone = await specIn(dir, { name: 'job_alone/1' })
  await using stranger = await executor.open(alone.spec, NOTHING)
  assert.notEqual((await run(stranger, fetched)).exitCode, 0)
  const [id] = box.handle?.kind === 'container' ? (box.handle.others ?? []) : []
  assert.ok(id)
  await box[Symbol.asyncDispose]()
  await stranger[Symbol.asyncDispose]()
  assert.equal(await leftOf(instance), 0)
})

/** An image that a script derives from the test's own, removed on disposal. */
async function imageAfter(executor: DockerExecutor, dir: TempDir, script: string) {
  const repo = `narwhal-test/${uniquePrefix()}`
  const { spec } = await specIn(dir, { name: 'job_maker/1' })
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
  const { spec } = await specIn(dir, {
    services: [{ ...web, ready: { ports: [8080], timeoutMs } }],
  })
  const box = await executor.open(spec, NOTHING)
  assert.match((await run(box, 'wget -qO- http://web:8080/ 2>&1 || true')).stdout, /404/)
  await box[Symbol.asyncDispose]()
  const command = await specIn(dir, { services: [{ ...web, ready: { command: 'x', timeoutMs } }] })
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
  const second = await specIn(dir, { name: 'job_two/1', images: [made.image] })
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

test('docker: says why a service is not ready, with its last output', { skip }, async () => {
  await using dir = await tempDir()
  const instance = uniquePrefix()
  await using executor = open(instance)
  const refused = async (services: readonly ServiceSpec[], words: RegExp, code = 'invalid') => {
    const { spec, heard } = await specIn(dir, { services })
    await assert.rejects(executor.open(spec, NOTHING), (error: Error & { code: string }) => {
      assert.match(error.message, words)
      assert.equal(error.code, code)
      return true
    })
    return heard
  }
  const ports = { ports: [5432], timeoutMs: 60_000 }
  const dies = service('db', 'echo one; echo no disk >&2; exit 3', { ready: ports })
  const heard = await refused(
    [dies],
    /^service db ended with exit code 3 before it was ready; its last output: (one \| no disk|no disk \| one)$/,
  )
  assert.ok(heard.includes('0 failed'))
  const never = { command: 'echo asleep; exit 2', timeoutMs: 1_000 }
  await refused(
    [service('db', 'echo tired; exec sleep 1000', { ready: never })],
    /^service db was not ready within 1 s \(the last try ended with exit code 2: asleep\); its last output: tired$/,
  )
  await refused(
    // On its own loopback nobody can reach it.
    [service('web', 'exec httpd -f -p 127.0.0.1:5432', { ready: { ...ports, timeoutMs: 1_000 } })],
    /^service web was not ready within 1 s \(it does not listen on 5432\)/,
  )
  await refused(
    [service('db', '', { command: ['/no/such'], ready: ports })],
    /^service db can't be started: .*\/no\/such/,
  )
  await refused([service('db', '', { image: '127.0.0.1:1/x:1' })], /can't be pulled/, 'not_found')
  assert.equal(await leftOf(instance), 0)
})

test('docker: reports that a service has ended by itself, and continues', { skip }, async () => {
  await using dir = await tempDir()
  await using executor = open(uniquePrefix())
  const { spec, heard } = await specIn(dir, { services: [service('short', 'echo once; exit 4')] })
  await using box = await executor.open(spec, NOTHING)
  await eventually(() => heard.at(-1) === '0 ended')
  assert.deepEqual(heard, ['0 started', '0 stdout once\n', '0 ended'])
  assert.equal((await run(box, 'echo on')).stdout, 'on\n')
})

test('docker: removes the services and networks of a previous process, and a watchdog ends them', {
  skip,
}, async () => {
  await using dir = await tempDir()
  const instance = uniquePrefix()
  await using former = open(instance)
  const { spec } = await specIn(dir, { services: [service('web', 'exec sleep 1000')] })
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

test('docker: pauses services with their job', { skip }, async () => {
  await using dir = await tempDir()
  await using executor = open(uniquePrefix())
  const script = 'i=0; while :; do i=$((i + 1)); echo $i; sleep 0.02; done'
  const { spec, heard } = await specIn(dir, { services: [service('clock', script)] })
  await using box = await executor.open(spec, NOTHING)
  await eventually(() => heard.length > 3)
  await box.pause()
  // Output that it has written may still be in flight.
  const settled = await eventually(async () => {
    const before = heard.length
    const until = performance.now() + 150
    await eventually(() => performance.now() > until)
    return heard.length === before ? before : null
  })
  assert.equal(heard.length, settled)
  await box.resume()
  await eventually(() => heard.length > settled)
})
