import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../../../test/support/eventually.ts'
import { realNetworks } from '../../../../test/support/networks.ts'
import { testImage, testService, uniquePrefix } from '../../../../test/support/services.ts'
import { type TempDir, tempDir } from '../../../../test/support/temp-dir.ts'
import { silentLog } from '../../../lib/log.ts'
import { present } from '../../../lib/present.ts'
import { MIB, NOTHING, run } from '../contract/contract-fixture.ts'
import type { SandboxLimits, TakenSandbox } from '../executor.ts'
import { DockerExecutor } from './docker-executor.ts'
import { parseEngineAddress } from './engine/docker-address.ts'
import { DockerApi } from './engine/docker-api.ts'
import { callEngine } from './engine/docker-http.ts'
import type { WarmRunner } from './warm-runner.fixture.ts'

const { url, skip } = testService('docker')
const limits: SandboxLimits = { memoryBytes: 64 * MIB, cpus: 1, processes: 64 }
const api = new DockerApi(parseEngineAddress(url || 'unix:///nowhere'))

interface Options {
  readonly dir: TempDir
  readonly instance?: string
  readonly size?: number
  readonly image?: string
  readonly network?: 'none'
}

/** An executor that keeps sandboxes warm, and knows only the usage that is recorded in its folder. */
async function stage(options: Options) {
  const { dir, instance = uniquePrefix(), size = 2, image = testImage(), network } = options
  const executor = new DockerExecutor({
    host: url,
    folder: dir.join('sandboxes'),
    instance,
    runnerIsRoot: process.getuid?.() === 0,
    warm: { size, limits },
    log: silentLog(),
    networks: realNetworks(),
  })
  await executor.reap()
  let jobs = 0
  const spec = (own: SandboxLimits = limits) => ({
    name: `job_${++jobs}/1`,
    image,
    limits: own,
    isStranger: false,
    ...present({ network }),
  })
  const containers = () => api.listContainers('narwhal.runner', instance)
  const ready = async (count = size): Promise<readonly string[]> =>
    await eventually(
      async () => {
        const ids = await containers()
        const states = await Promise.all(ids.map((id) => api.inspectContainer(id)))
        const up = ids.filter((_, index) => states[index]?.running)
        return up.length === count && up.length === ids.length ? up : null
      },
      { timeoutMs: 30_000 },
    )
  const take = (own?: SandboxLimits) => executor.take(spec(own))
  /** A running container may not have reported yet that it is ready. */
  const taken = (own?: SandboxLimits): Promise<TakenSandbox> =>
    eventually(() => take(own) ?? null, { timeoutMs: 30_000 })
  const dispose = () => executor[Symbol.asyncDispose]()
  return {
    executor,
    instance,
    spec,
    containers,
    ready,
    take,
    taken,
    [Symbol.asyncDispose]: dispose,
  }
}

async function engine(method: 'GET' | 'POST' | 'DELETE', path: string): Promise<void> {
  const answer = await callEngine(parseEngineAddress(url), { method, path })
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`)
}

test('docker: starts no image ahead that no job has used', { skip }, async () => {
  await using dir = await tempDir()
  await using at = await stage({ dir })
  assert.equal(await at.executor.probe(), '')
  const until = performance.now() + 500
  await eventually(() => performance.now() > until)
  assert.deepEqual(await at.containers(), [])
})

test('docker: keeps sandboxes of used images ready, each for one job', { skip }, async () => {
  await using dir = await tempDir()
  await using at = await stage({ dir })
  assert.equal(at.take(), undefined)
  const first = await at.ready()
  const one = await at.taken()
  const two = await at.taken()
  assert.notEqual(one.workspace.path, two.workspace.path)
  assert.deepEqual(await readdir(one.workspace.path), [])
  const boxes = [await one.open(NOTHING), await two.open(NOTHING)] as const
  const used = boxes.map(({ handle }) => (handle?.kind === 'container' ? handle.id : ''))
  assert.deepEqual(used.toSorted(), [...first].sort())
  for (const [index, box] of boxes.entries()) {
    const ran = await run(box, `ls -A; pwd; echo ${index} >me; echo x >/tmp/mine`)
    assert.deepEqual(ran, { exitCode: 0, stdout: '/workspace\n', stderr: '' })
  }
  assert.deepEqual(await readdir(one.workspace.path), ['me'])
  await Promise.all(boxes.map((box) => box[Symbol.asyncDispose]()))
  await Promise.all([one, two].map(({ workspace }) => rm(workspace.path, { recursive: true })))
  const next = await at.ready()
  assert.ok(next.every((id) => !used.includes(id)))
  const third = await at.taken()
  await using box = await third.open(NOTHING)
  assert.equal((await run(box, 'ls -A; ls -A /tmp')).stdout, '')
})

test('docker: never gives a job without a network a sandbox with one, or vice versa', {
  skip,
}, async () => {
  await using dir = await tempDir()
  await using at = await stage({ dir, size: 1, network: 'none' })
  at.take()
  await at.ready(1)
  const { network: _, ...online } = at.spec()
  assert.equal(at.executor.take(online), undefined)
  const taken = await at.taken()
  await using box = await taken.open(NOTHING)
  assert.equal((await run(box, 'sed 1,2d /proc/net/dev | wc -l')).stdout, '1\n')
})

test('docker: never keeps more sandboxes than configured', { skip }, async () => {
  await using dir = await tempDir()
  await using at = await stage({ dir, size: 1 })
  for (let job = 0; job < 20; job++) at.take()
  await at.ready(1)
  await at.executor.probe()
  const until = performance.now() + 500
  await eventually(() => performance.now() > until)
  assert.equal((await at.containers()).length, 1)
})

test("docker: applies its job's limits to a warm sandbox", { skip }, async () => {
  await using dir = await tempDir()
  await using at = await stage({ dir, size: 1 })
  at.take()
  await at.ready()
  const own = { memoryBytes: 96 * MIB, cpus: 0.5, processes: 32 }
  await using box = await (await at.taken(own)).open(NOTHING)
  const files = '/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max'
  const { stdout } = await run(box, `cat ${files} 2>/dev/null || true`)
  assert.equal(stdout, `${96 * MIB}\n`)
})

test('docker: replaces sandboxes that have ended, including one that was just taken', {
  skip,
}, async () => {
  await using dir = await tempDir()
  await using at = await stage({ dir })
  at.take()
  const first = await at.ready()
  // As happens when an engine is restarted.
  for (const id of first) await api.killContainer(id)
  const second = await eventually(async () => {
    const ids = await at.ready()
    return ids.some((id) => first.includes(id)) ? null : ids
  })
  const taken = await at.taken()
  for (const id of second) await api.killContainer(id)
  await using box = await taken.open(NOTHING)
  assert.equal((await run(box, 'echo fresh >file; cat file')).stdout, 'fresh\n')
  assert.deepEqual(await readdir(taken.workspace.path), ['file'])
  assert.ok(box.handle?.kind === 'container' && !second.includes(box.handle.id))
})

test('docker: never uses a sandbox of an outdated image', { skip }, async () => {
  await using dir = await tempDir()
  const name = `narwhal-test/${uniquePrefix()}`
  const image = `${name}:1`
  const tag = (source: string) =>
    engine('POST', `/images/${source}/tag?repo=${encodeURIComponent(name)}&tag=1`)
  await tag(testImage())
  try {
    await using at = await stage({ dir, image })
    at.take()
    const [id = ''] = await at.ready()
    await engine('POST', `/commit?container=${id}&repo=${encodeURIComponent(name)}&tag=1`)
    const taken = await at.taken()
    await using box = await taken.open(NOTHING)
    const found = box.handle?.kind === 'container' ? box.handle.id : ''
    const before = await api.findImage(testImage())
    const now = await api.findImage(image)
    assert.notEqual(now, before)
    const inspected = await callEngine(parseEngineAddress(url), {
      method: 'GET',
      path: `/containers/${found}/json`,
    })
    assert.equal((JSON.parse(inspected.text) as { Image: string }).Image, now)
  } finally {
    await engine('DELETE', `/images/${image}?force=1`)
  }
})

test('docker: remembers the used images across a restart, and leaves nothing behind', {
  skip,
}, async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('sandboxes'))
  const instance = uniquePrefix()
  {
    await using at = await stage({ dir, instance })
    at.take()
    await at.ready()
  }
  assert.deepEqual(await api.listContainers('narwhal.runner', instance), [])
  assert.deepEqual(await readdir(dir.path), ['sandboxes-images.json'])
  await using at = await stage({ dir, instance })
  assert.equal((await at.ready()).length, 2)
})

test('docker: warm sandboxes end with their runner, and are removed at the next start', {
  skip,
}, async () => {
  await using dir = await tempDir()
  const instance = uniquePrefix()
  const told: WarmRunner = {
    host: url,
    folder: dir.join('sandboxes'),
    instance,
    image: testImage(),
  }
  const fixture = fileURLToPath(new URL('warm-runner.fixture.ts', import.meta.url))
  const child = spawn(process.execPath, [fixture, JSON.stringify(told)], { stdio: 'inherit' })
  const states = async () => {
    const ids = await api.listContainers('narwhal.runner', instance)
    return Promise.all(ids.map((id) => api.inspectContainer(id)))
  }
  const running = async () => (await states()).filter((state) => state?.running).length
  try {
    await eventually(async () => assert.equal(await running(), 2), { timeoutMs: 30_000 })
  } finally {
    child.kill('SIGKILL')
  }
  // One that has not opened its FIFOs yet waits for 20 s whether they are only out of its runner's reach.
  await eventually(async () => assert.equal(await running(), 0), { timeoutMs: 60_000 })
  await using at = await stage({ dir, instance, size: 0 })
  assert.deepEqual(await at.containers(), [])
})
