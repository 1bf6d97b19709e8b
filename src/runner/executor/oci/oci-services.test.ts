import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { realNetworks } from '../../../../test/support/networks.ts'
import { TEST_IMAGE } from '../../../../test/support/services/docker-image.ts'
import { uniquePrefix } from '../../../../test/support/services.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { NOTHING, run } from '../contract/contract-fixture.ts'
import { scriptService, servicesContract, specWithServices } from '../contract/services.contract.ts'
import { CHECKED_IMAGE, EXPOSING_IMAGE, ociStages } from './oci-stage.fixture.ts'

const stages = await ociStages()

/** A server that says its name at this port. */
function server(name: string, port: number) {
  const script = `mkdir /www; echo I am ${name} >/www/x; exec httpd -f -p ${port} -h /www`
  const command = `wget -qO- http://127.0.0.1:${port}/x`
  return scriptService(EXPOSING_IMAGE, name, script, { ready: { command, timeoutMs: 60_000 } })
}

async function left(instance: string): Promise<number> {
  const containers = join(tmpdir(), instance, 'containers')
  const found = ['records', 'containers'].map((name) => readdir(join(containers, name)))
  return (await Promise.all(found)).flat().length
}

for (const { name, skip, open } of stages) {
  servicesContract(name, {
    skip,
    image: TEST_IMAGE,
    exposing: async () => EXPOSING_IMAGE,
    checked: async () => CHECKED_IMAGE,
    open: (instance) => open({ instance, networks: realNetworks() }),
    left,
  })

  test(`${name}: localhost leads to what one service alone exposes or listens on, and the log says so`, {
    skip,
  }, async () => {
    await using dir = await tempDir()
    await using executor = open({ instance: uniquePrefix(), networks: realNetworks() })
    const alone = [server('web', 8080)]
    const { spec } = await specWithServices(dir, TEST_IMAGE, { services: alone, network: 'none' })
    await using one = await executor.open(spec, NOTHING)
    assert.deepEqual(one.notes?.slice(-1), ['localhost leads to services: 8080 (web)'])
    const fetched = 'for name in web localhost; do wget -qO- http://$name:8080/x; done'
    assert.equal((await run(one, fetched)).stdout, 'I am web\nI am web\n')

    const ready = { ports: [80], timeoutMs: 60_000 }
    const services = [server('first', 8080), { ...server('second', 80), ready }]
    const other = await specWithServices(dir, TEST_IMAGE, { services })
    await using two = await executor.open(other.spec, NOTHING)
    assert.deepEqual(two.notes?.slice(-2), [
      'localhost leads to services: 80 (second)',
      'several services have the same port, and are reached by name only: 8080 (first, second)',
    ])
    const asked = ['first:8080', 'second', 'localhost'].map((at) => `wget -qO- http://${at}/x`)
    assert.equal(
      (await run(two, asked.join('\n'))).stdout,
      'I am first\nI am second\nI am second\n',
    )
    assert.notEqual((await run(two, 'wget -qO- http://localhost:8080/x')).exitCode, 0)
    // With a way out, for all of them.
    assert.match((await run(two, 'ip route')).stdout, /^default via \d/m)
  })
}
