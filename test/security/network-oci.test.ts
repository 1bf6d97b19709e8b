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
import { runIn } from '../support/bubblewrap-jobs.ts'
import { eventually } from '../support/eventually.ts'
import { realNetworks } from '../support/networks.ts'
import { TEST_IMAGE } from '../support/services/docker-image.ts'
import { tempDir } from '../support/temp-dir.ts'

/** What a job in containers without an engine tries to reach: the machine. */

const NEVER = new AbortController().signal
const GATEWAY = "ip route | sed -n 's/^default via \\([0-9.]*\\) .*/\\1/p'"

/** Tries a port at each, the gateway too, and prints those that accept the connection. */
function reach(hosts: readonly string[], port: number): string {
  const all = [...hosts, `$(${GATEWAY})`].join(' ')
  return `for host in ${all}; do nc -w 3 $host ${port} </dev/null >/dev/null 2>&1 && echo $host; done; echo tried`
}

for (const { name, skip, open } of await ociStages()) {
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
}
