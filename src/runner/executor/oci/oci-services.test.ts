import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realNetworks } from '../../../../test/support/networks.ts'
import { TEST_IMAGE } from '../../../../test/support/services/docker-image.ts'
import { type TempDir, tempDir } from '../../../../test/support/temp-dir.ts'
import type { ServiceSpec } from '../../../core/plan/plan.ts'
import { NOTHING, run } from '../contract/contract-fixture.ts'
import type { SandboxSpec } from '../executor.ts'
import { ociSpecIn, ociStages } from './oci-stage.fixture.ts'

const stages = await ociStages()

/** A service of BusyBox that runs a script. */
function service(name: string, script: string, more: Partial<ServiceSpec> = {}): ServiceSpec {
  return { name, image: TEST_IMAGE, env: {}, command: ['sh', '-c', script], ...more }
}

/** A server that answers with its name. */
function server(name: string, port = 8080): ServiceSpec {
  const ready = { ports: [port], timeoutMs: 20_000 }
  const script = `echo up; mkdir /www; echo I am ${name} >/www/x; exec httpd -f -p ${port} -h /www`
  return service(name, script, { ready })
}

async function specIn(dir: TempDir, more: Partial<SandboxSpec>) {
  const heard: string[] = []
  const spec: SandboxSpec = {
    ...(await ociSpecIn(dir.path)),
    onService: (index, event) => {
      const text = event.type === 'output' ? ` ${Buffer.from(event.chunk).toString()}` : ''
      heard.push(`${index} ${event.type}${text}`)
    },
    ...more,
  }
  return { spec, heard }
}

for (const { name, skip, open } of stages) {
  const openReal = (dir: TempDir) =>
    open({ folder: dir.join('sandboxes'), networks: realNetworks() })

  test(`${name}: reaches services by name, two of them on one port`, { skip }, async () => {
    await using dir = await tempDir()
    await using executor = openReal(dir)
    const { spec, heard } = await specIn(dir, { services: [server('first'), server('second')] })
    await using sandbox = await executor.open(spec, NOTHING)
    const ask = 'for name in first second; do wget -qO- http://$name:8080/x; done'
    assert.equal((await run(sandbox, ask)).stdout, 'I am first\nI am second\n')
    assert.ok(heard.includes('0 started') && heard.includes('1 output up\n'), heard.join('|'))
    assert.deepEqual(
      sandbox.images?.map(({ image }) => image),
      [TEST_IMAGE],
    )
  })

  test(`${name}: reaches a service at localhost, without another network, too`, {
    skip,
  }, async () => {
    await using dir = await tempDir()
    await using executor = openReal(dir)
    const { spec } = await specIn(dir, { services: [server('only')], network: 'none' })
    await using sandbox = await executor.open(spec, NOTHING)
    const ask = 'for name in only localhost; do wget -qO- http://$name:8080/x; done'
    assert.equal((await run(sandbox, ask)).stdout, 'I am only\nI am only\n')
  })

  test(`${name}: says why a service did not become ready`, { skip }, async () => {
    await using dir = await tempDir()
    await using executor = openReal(dir)
    const refused = async (one: ServiceSpec, words: RegExp) => {
      const { spec } = await specIn(dir, { services: [one] })
      await assert.rejects(executor.open(spec, NOTHING), { message: words })
    }
    const ready = { command: 'true', timeoutMs: 10_000 }
    const early = service('early', 'echo last words; exit 3', {
      ready: { ports: [1], timeoutMs: 10_000 },
    })
    await refused(early, /service early ended with exit code 3 before it was ready; .*last words/)
    const missing = { ...service('lost', '', { ready }), command: ['/no/such/program'] }
    await refused(missing, /service lost .*(can't be started|ended with exit code 127)/)
    const never = service('never', 'sleep 100', { ready: { command: 'exit 4', timeoutMs: 1_000 } })
    await refused(
      never,
      /service never was not ready within 1 s \(the last try ended with exit code 4/,
    )
  })

  test(`${name}: runs steps in other images, in the network of the job`, { skip }, async () => {
    await using dir = await tempDir()
    await using executor = openReal(dir)
    const { spec } = await specIn(dir, { services: [server('db')], images: [TEST_IMAGE] })
    await using sandbox = await executor.open(spec, NOTHING)
    let said = ''
    const step = { script: 'wget -qO- http://db:8080/x; pwd', env: {}, image: TEST_IMAGE }
    await sandbox.run(step, (_, chunk) => void (said += Buffer.from(chunk).toString()), NOTHING)
    assert.equal(said, 'I am db\n/workspace\n')
  })

  test(`${name}: pauses and ends services with their job`, { skip }, async () => {
    await using dir = await tempDir()
    await using executor = openReal(dir)
    const beat = service('beat', 'while :; do echo beat; sleep 0.02; done')
    const { spec, heard } = await specIn(dir, { services: [beat] })
    await using sandbox = await executor.open(spec, NOTHING)
    await sandbox.pause()
    await run(
      await executor.open({ ...(await ociSpecIn(dir.path, 'other')) }, NOTHING),
      'sleep 0.1',
    )
    const before = heard.length
    await run(
      await executor.open({ ...(await ociSpecIn(dir.path, 'third')) }, NOTHING),
      'sleep 0.2',
    )
    assert.equal(heard.length, before)
    await sandbox.resume()
    await sandbox[Symbol.asyncDispose]()
    assert.ok(!heard.some((line) => line.includes('ended')), heard.join('|'))
  })
}
