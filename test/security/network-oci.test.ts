import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import {
  scriptService,
  specWithServices,
} from '../../src/runner/executor/contract/services.contract.ts'
import { ociStages } from '../../src/runner/executor/oci/oci-stage.fixture.ts'
import { runIn, startIn } from '../support/bubblewrap-jobs.ts'
import { eventually } from '../support/eventually.ts'
import { realNetworks } from '../support/networks.ts'
import { ociJobs, runBeside } from '../support/oci-jobs.ts'
import { TEST_IMAGE } from '../support/services/docker-image.ts'
import { tempDir } from '../support/temp-dir.ts'

/** What a job in containers without an engine tries to reach: the machine, other jobs, private networks. */

const NEVER = new AbortController().signal
const GATEWAY = "ip route | sed -n 's/^default via \\([0-9.]*\\) .*/\\1/p'"

const OWN = "ip addr show eth0 | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p'"

/** Tries a port at each, the gateway too, and prints those that accept the connection. */
function reach(hosts: readonly string[], port: number): string {
  const all = [...hosts, `$(${GATEWAY})`].join(' ')
  return `for host in ${all}; do nc -w 3 $host ${port} </dev/null >/dev/null 2>&1 && echo $host; done; echo tried`
}

for (const stage of await ociStages()) {
  const { name, skip, open } = stage
  test(`SEC-01c: with ${name} neither a job nor its services can reach Narwhal's port, at any address`, {
    skip,
  }, async () => {
    await using stack = new AsyncDisposableStack()
    const dir = stack.use(await tempDir())
    let heard = 0
    const witness = createServer((socket) => {
      heard++
      socket.on('error', () => {}).end('sesame')
    })
    witness.listen(0, '::')
    await once(witness, 'listening')
    stack.defer(() => void witness.close())
    const address = witness.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const machine = Object.values(networkInterfaces()).flatMap((all = []) =>
      all.filter(({ family }) => family === 'IPv4').map((one) => one.address),
    )
    // A witness that nothing can reach proves nothing.
    for (const host of machine) {
      const socket = connect({ host, port })
      await once(socket, 'connect')
      socket.destroy()
    }
    await eventually(() => heard === machine.length)
    const script = reach([...machine, '169.254.169.254'], port)
    const executor = stack.use(open({ networks: realNetworks() }))
    for (const isStranger of [false, true]) {
      const services = [scriptService(TEST_IMAGE, 'db', `${script}; exec sleep 1000`)]
      const wanted = { name: `job_${isStranger}/1`, services, isStranger }
      const { spec, heard: said } = await specWithServices(dir, TEST_IMAGE, wanted)
      await using job = await executor.open(spec, NEVER)
      assert.match((await runIn(job, GATEWAY)).output, /^10\.\S+\n$/)
      assert.equal((await runIn(job, script)).output, 'tried\n')
      await eventually(() => said.some((line) => line.includes('tried')), { timeoutMs: 60_000 })
      assert.deepEqual(said, ['0 started', '0 stdout tried\n'])
    }
    assert.equal(heard, machine.length)
  })

  test(`NET-11: jobs in containers of ${name} do not reach each other, strangers' neither`, {
    skip,
  }, async () => {
    await using jobs = await ociJobs(stage, { networks: realNetworks() })
    await using job = await jobs.open()
    const serve = 'mkdir /www; echo served >/www/x; httpd -p 7777 -h /www; echo ready; sleep 600'
    await using _server = await startIn(job, serve)
    const address = (await runBeside(job, OWN)).trim()
    assert.match(address, /^10\./)
    const fetch = `timeout 3 wget -qO- http://${address}:7777/x`
    assert.equal(await runBeside(job, fetch), 'served\n')
    for (const isStranger of [false, true]) {
      await using other = await jobs.open({}, { isStranger })
      assert.match((await runIn(other, OWN)).output, /^10\./)
      const { exitCode, output } = await runIn(other, fetch)
      assert.notEqual(exitCode, 0)
      assert.doesNotMatch(output, /served/)
    }
  })

  test(`NET-13: where no rules are made, a stranger's container of ${name} has no network, and its log says so`, {
    skip,
  }, async () => {
    await using jobs = await ociJobs(stage)
    await using stranger = await jobs.open({}, { isStranger: true })
    assert.match(
      stranger.notes?.[0] ?? '',
      /^this job has no network: a stranger's job never gets the machine's own/,
    )
    const look = 'sed 1,2d /proc/net/dev | wc -l; sed 1d /proc/net/route'
    assert.equal((await runIn(stranger, look)).output, '1\n')
    await using own = await jobs.open()
    assert.deepEqual(own.notes ?? [], [])
  })
}
