import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { silentLog } from '../../src/lib/log.ts'
import { DockerExecutor } from '../../src/runner/executor/docker/docker-executor.ts'
import { parseEngineAddress } from '../../src/runner/executor/docker/engine/docker-address.ts'
import { DockerApi } from '../../src/runner/executor/docker/engine/docker-api.ts'
import type { Sandbox, SandboxSpec } from '../../src/runner/executor/executor.ts'
import { folderWorkspace } from '../../src/runner/executor/workspace.ts'
import type { NetworkSource } from '../../src/runner/network/network-source.ts'
import { runIn } from '../support/bubblewrap-jobs.ts'
import { countJobNetworks } from '../support/engine-networks.ts'
import { freeNetworks } from '../support/free-networks.ts'
import { realNetworks } from '../support/networks.ts'
import { testImage, testService, uniquePrefix } from '../support/services.ts'
import { tempDir } from '../support/temp-dir.ts'

/** What a job in a container tries to reach: the machine, other jobs, private networks. */

const docker = testService('docker')
const isRoot = process.getuid?.() === 0
const skip = docker.skip || (isRoot ? false : 'only a runner that is root makes rules')
const NEVER = new AbortController().signal
const MIB = 1024 ** 2

async function stage(networks: NetworkSource = realNetworks()) {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const instance = uniquePrefix()
  const folder = dir.join('sandboxes')
  const options = { host: docker.url, folder, instance, runnerIsRoot: isRoot, log: silentLog() }
  const executor = stack.use(new DockerExecutor({ ...options, networks }))
  let heard = 0
  const witness = createServer((socket) => {
    heard++
    socket.on('error', () => {}).end('sesame')
  })
  witness.listen(0, '::')
  await once(witness, 'listening')
  stack.defer(() => void witness.close())
  const address = witness.address()
  const open = async (name: string, more: Partial<SandboxSpec> = {}): Promise<Sandbox> => {
    const workspace = folderWorkspace(dir.join(name))
    await mkdir(workspace.path)
    const limits = { memoryBytes: 64 * MIB, cpus: 1, processes: 64 }
    const spec = { name: `job_${name}/1`, image: testImage(), workspace, limits, isStranger: false }
    // Disposed of with its executor.
    return await executor.open({ ...spec, ...more }, NEVER)
  }
  const owned = stack.move()
  return {
    open,
    port: typeof address === 'object' && address ? address.port : 0,
    heard: () => heard,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

type Target = readonly [address: string, port: number]

function reach(targets: readonly Target[]): string {
  return targets
    .map(
      ([host, port]) =>
        `nc -w 3 ${host} ${port} </dev/null >/dev/null 2>&1 && echo ${host} || true`,
    )
    .join('\n')
}

function machineAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all = []) =>
    all.filter(({ family }) => family === 'IPv4').map(({ address }) => address),
  )
}

const WEB = {
  name: 'web',
  image: testImage(),
  env: {},
  command: ['sh', '-c', 'mkdir /www; echo served >/www/x; exec httpd -f -p 7777 -h /www'],
  ready: { ports: [7777], timeoutMs: 60_000 },
}

const GATEWAY = "ip route | sed -n 's/^default via \\([0-9.]*\\) .*/\\1/p'"
const OWN = "ip addr show eth0 | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p'"

test("SEC-01b: a job in a container can't reach Narwhal's port, at any address", {
  skip,
}, async () => {
  await using at = await stage()
  // A witness that nothing can reach proves nothing.
  for (const host of machineAddresses()) {
    const socket = connect({ host, port: at.port })
    await once(socket, 'connect')
    socket.destroy()
  }
  for (const isStranger of [false, true]) {
    const job = await at.open(`job-${isStranger}`, { isStranger })
    const told = isStranger ? /private networks are refused to this job, .* --reach$/ : /^$/
    assert.match(job.notes?.join('\n') ?? '', told)
    const gateway = (await runIn(job, GATEWAY)).output.trim()
    assert.match(gateway, /^10\./)
    const hosts = [...machineAddresses(), gateway, '169.254.169.254']
    const targets = hosts.map((host) => [host, at.port] as const)
    assert.equal((await runIn(job, reach(targets))).output, '', String(isStranger))
  }
})

test('NET-11: jobs in containers do not reach each other, and reach their services', {
  skip,
}, async () => {
  await using at = await stage()
  const job = await at.open('one', { services: [WEB] })
  assert.equal((await runIn(job, 'wget -qO- http://web:7777/x')).output, 'served\n')
  const web = (
    await runIn(job, "nslookup web | sed -n 's/^Address.*: *\\(10[0-9.]*\\).*/\\1/p' | tail -1")
  ).output.trim()
  assert.match(web, /^10\./)
  for (const isStranger of [false, true]) {
    const other = await at.open(`other-${isStranger}`, { isStranger })
    assert.equal((await runIn(other, reach([[web, 7777]]))).output, '')
    assert.notEqual((await runIn(other, OWN)).output, '')
  }
})

test("NET-12: a stranger's container does not reach other servers of the machine", {
  skip,
}, async () => {
  await using at = await stage()
  await using elsewhere = await stage(freeNetworks())
  const other = await elsewhere.open('elsewhere', { services: [WEB] })
  const web = (
    await runIn(other, "nslookup web | sed -n 's/^Address.*: *\\(10[0-9.]*\\).*/\\1/p' | tail -1")
  ).output.trim()
  assert.match(web, /^10\./)
  const stranger = await at.open('stranger', { isStranger: true })
  assert.equal((await runIn(stranger, reach([[web, 7777]]))).output, '')
})

test('NET-61: the engine pulls no image for a stranger from the machine or a private network', {
  skip: docker.skip,
}, async () => {
  await using at = await stage()
  const image = `127.0.0.1:${at.port}/team/image:1`
  // A witness that the engine does not reach proves nothing.
  await assert.rejects(at.open('own', { image }))
  const heard = at.heard()
  assert.ok(heard > 0)
  const refused = {
    message: /can't be pulled for a stranger's job; .* allow it with --reach 127\.0\.0\.1:\d+$/,
  }
  await assert.rejects(at.open('stranger', { image, isStranger: true }), refused)
  const services = [{ ...WEB, image }]
  await assert.rejects(at.open('served', { services, isStranger: true }), refused)
  await assert.rejects(at.open('more', { images: [image], isStranger: true }), refused)
  assert.equal(at.heard(), heard)
})

test("NET-13: without rules, a stranger's container has no network, and its log says so", {
  skip: docker.skip,
}, async () => {
  await using at = await stage(freeNetworks())
  const stranger = await at.open('stranger', { isStranger: true })
  assert.match(
    stranger.notes?.[0] ?? '',
    /^this job has no network: it can't be kept from private ones/,
  )
  const { output } = await runIn(stranger, 'sed 1,2d /proc/net/dev | wc -l; sed 1d /proc/net/route')
  assert.equal(output, '1\n')
  const own = await at.open('own')
  assert.deepEqual(own.notes, [])
})

test('NET-14: an executor leaves no networks behind', {
  skip,
}, async () => {
  const api = new DockerApi(parseEngineAddress(docker.url))
  await using dir = await tempDir()
  const instance = uniquePrefix()
  const options = { host: docker.url, folder: dir.join('s'), instance, runnerIsRoot: isRoot }
  {
    await using executor = new DockerExecutor({
      ...options,
      networks: realNetworks(),
      log: silentLog(),
    })
    await mkdir(dir.join('w'))
    const limits = { memoryBytes: 64 * MIB, cpus: 1, processes: 64 }
    const spec = {
      name: 'job_left/1',
      image: testImage(),
      workspace: folderWorkspace(dir.join('w')),
      limits,
    }
    await using _box = await executor.open({ ...spec, isStranger: false }, NEVER)
    assert.equal(await countJobNetworks(docker.url, instance), 1)
  }
  assert.equal((await api.listNetworks('narwhal.runner', instance)).length, 0)
})
