import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { silentLog } from '../../src/lib/log.ts'
import { DockerExecutor } from '../../src/runner/executor/docker/docker-executor.ts'
import { parseEngineAddress } from '../../src/runner/executor/docker/engine/docker-address.ts'
import { DockerApi } from '../../src/runner/executor/docker/engine/docker-api.ts'
import { networkSettings } from '../../src/runner/executor/docker/engine/docker-settings.ts'
import { folderWorkspace } from '../../src/runner/executor/workspace.ts'
import type { EngineNetwork } from '../../src/runner/network/job-networks.ts'
import { proveEngine } from '../../src/runner/network/proof/engine-proof.ts'
import { runIn } from '../support/bubblewrap-jobs.ts'
import { openNetworks } from '../support/networks.ts'
import { testImage, testService, uniquePrefix } from '../support/services.ts'
import { tempDir } from '../support/temp-dir.ts'

/** What the runner proves about the bridges of a container engine. */

const docker = testService('docker')
const skip =
  docker.skip || (process.getuid?.() === 0 ? false : 'only a runner that is root makes rules')
const MIB = 1024 ** 2
const NEVER = new AbortController().signal
const api = new DockerApi(parseEngineAddress(docker.url || 'unix:///nowhere'))

/** A network of the engine in this place, until the disposal. */
async function lend(place: EngineNetwork): Promise<AsyncDisposable> {
  const network = uniquePrefix('narwhal-proof-')
  const instance = uniquePrefix()
  const settings = networkSettings({ network, isInternal: false, place }, 'proof', instance)
  await api.createNetwork(settings)
  return { [Symbol.asyncDispose]: () => api.removeNetwork(network) }
}

test("NET-24: a stranger's container starts once isolation is proven from the engine's own bridges", {
  skip,
}, async () => {
  await using networks = openNetworks()
  await using dir = await tempDir()
  const options = { host: docker.url, folder: dir.join('s'), instance: uniquePrefix() }
  await using executor = new DockerExecutor({
    ...options,
    networks,
    log: silentLog(),
    runnerIsRoot: true,
  })
  await mkdir(dir.join('w'))
  const limits = { memoryBytes: 64 * MIB, cpus: 1, processes: 64 }
  const spec = {
    name: 'job_x/1',
    image: testImage(),
    workspace: folderWorkspace(dir.join('w')),
    limits,
  }
  await using job = await executor.open({ ...spec, isStranger: true }, NEVER)
  assert.doesNotMatch(job.notes?.join() ?? '', /no network|firewall/)
  assert.equal((await runIn(job, 'sed 1,2d /proc/net/dev | grep -c eth0')).output, '1\n')
  const known = await networks.get()
  assert.equal(known.engineTrouble, '')
  assert.equal(known.trouble, '')
  // While it can't be tested, strangers' containers have no network, and the runner says why.
  await known.proveEngine(async () => {
    throw new Error('the engine makes none')
  })
  assert.match(known.engineTrouble, /^what containers can reach could not be tested: the engine/)
})

test('NET-25: a bridge without rules is found to be open', { skip }, async () => {
  const number = 64 + (process.pid % 64)
  const id = uniquePrefix('x').slice(0, 6)
  let count = 0
  const proofs = await proveEngine({
    id,
    lend,
    // Not a name that the rules apply to.
    reserve: (audience) => ({
      bridge: `nx${id}${audience[0]}`,
      subnet: `10.${number}.${++count}.0/26`,
      gateway: `10.${number}.${count}.1`,
      mtu: 1400,
      resolver: `10.${number}.${count}.1`,
    }),
    ranges: { own: [], strangers: ['127.0.0.0/8'] },
    common: { machine: [], signal: NEVER },
  })
  for (const [index, proof] of proofs.entries()) {
    assert.ok(proof.open.includes(`the machine at 10.${number}.${index + 1}.1`), proof.open.join())
  }
})
