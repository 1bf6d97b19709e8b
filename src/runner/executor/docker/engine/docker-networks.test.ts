import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { NarwhalError } from '../../../../lib/errors.ts'
import { silentLog } from '../../../../lib/log.ts'
import type { JobNetworks, LendNetwork } from '../../../network/job-networks.ts'
import { parseEngineAddress } from './docker-address.ts'
import { DockerApi } from './docker-api.ts'
import { DockerNetworks } from './docker-networks.ts'

const NOWHERE = 'nw-is-nowhere'
/** Exists on the machine, as a bridge would, but has no settings. */
const HERE = '.'

/** An engine that creates and removes networks as a test says, and one place for them, with this bridge. */
async function stage(bridge: string) {
  const engine = {
    removes: true,
    isDown: false,
    /** Answers to the next requests for a network. */
    refusals: [] as string[],
    trouble: '',
    networks: new Set<string>(),
  }
  let lend: LendNetwork | undefined
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? '').split('/').slice(2).join('/')
    if (engine.isDown) request.destroy()
    else if (request.url === '/version') response.end(JSON.stringify({ ApiVersion: '1.41' }))
    else if (request.method === 'DELETE') {
      if (engine.removes) engine.networks.delete(path)
      response.writeHead(engine.removes ? 204 : 403).end('{"message":"has active endpoints"}')
    } else {
      const body = JSON.parse(await text(request)) as { Name: string; Options?: object }
      // Only networks in a place of the plan name their bridge.
      const isRuled = 'com.docker.network.bridge.name' in (body.Options ?? {})
      const refusal = isRuled ? engine.refusals.shift() : undefined
      if (refusal !== undefined) {
        response.writeHead(403).end(JSON.stringify({ message: refusal }))
        return
      }
      engine.networks.add(`networks/${body.Name}`)
      response.writeHead(201).end('{}')
    }
  }
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const places: string[] = []
  const ruled: JobNetworks = {
    trouble: '',
    containers: 'ruled',
    places: 'all',
    engineTrouble: '',
    notesFor: () => [],
    connect: () => assert.fail(),
    segment: () => assert.fail(),
    check: async () => {
      if (engine.trouble !== '') throw new NarwhalError('unavailable', engine.trouble)
    },
    reserve: async () => {
      places.push('taken')
      const subnet = { subnet: '10.64.0.64/26', gateway: '10.64.0.65', mtu: 1500 }
      return { bridge, ...subnet, resolver: '10.64.0.1' }
    },
    release: (given) => void places.push(`${given} is free`),
    proveEngine: async (lender) => {
      lend = lender
      engine.trouble = 'something is open'
    },
    leaveEngine: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
  const { port } = server.address() as AddressInfo
  const api = new DockerApi(parseEngineAddress(`tcp://127.0.0.1:${port}`))
  const source = { get: async () => ruled, reach: [] }
  const log = silentLog()
  return {
    engine,
    places,
    /** As the proof does, once the first job has a network. */
    lend: async () => {
      const subnet = { subnet: '10.64.0.128/26', gateway: '10.64.0.129', mtu: 1500 }
      assert.ok(lend)
      return await lend({ bridge: 'nw-proof', ...subnet, resolver: '10.64.0.1' })
    },
    networks: new DockerNetworks(api, { instance: 'one', networks: source, log }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('the range of a network is released once the engine has removed it, at once or later', async () => {
  await using at = await stage(NOWHERE)
  at.engine.removes = false
  // Its bridge is not on this machine, so it is replaced by a network of another kind.
  const place = await at.networks.take({ name: 'job_1/1', isStranger: false })
  assert.equal(place.connection.kind, 'network')
  assert.equal(at.engine.networks.size, 2)
  assert.deepEqual(at.places, ['taken'])
  await assert.rejects(at.networks.removeLeft(), /has active endpoints/)
  assert.deepEqual(at.places, ['taken'])
  at.engine.removes = true
  await Promise.all([at.networks.removeLeft(), at.networks.removeLeft()])
  await at.networks.removeLeft()
  assert.deepEqual(at.places, ['taken', `${NOWHERE} is free`])
  assert.equal(at.engine.networks.size, 1)
})

test('a network that the engine fails to remove is removed in the end', async () => {
  await using at = await stage(HERE)
  const services = [{ name: 'db', image: 'db', env: {} }]
  const spec = { name: 'job_1/1', isStranger: false, network: 'none', services } as const
  const place = await at.networks.take(spec)
  at.engine.removes = false
  await place.release()
  assert.equal(at.engine.networks.size, 1)
  at.engine.removes = true
  await at.networks.close()
  assert.equal(at.engine.networks.size, 0)
})

test("a stranger's job that can't be started keeps no network", async () => {
  await using at = await stage(HERE)
  await assert.rejects(at.networks.take({ name: 'job_1/1', isStranger: true }), /something is open/)
  assert.deepEqual(at.places, ['taken'])
  await at.networks.close()
  assert.deepEqual(at.places, ['taken', `${HERE} is free`])
  assert.equal(at.engine.networks.size, 0)
})

test("a proof's range of addresses is free once the engine has removed its network", async () => {
  await using at = await stage(HERE)
  const place = await at.networks.take({ name: 'job_1/1', isStranger: false })
  const lent = await at.lend()
  assert.equal(at.engine.networks.size, 2)
  at.engine.removes = false
  await lent[Symbol.asyncDispose]()
  assert.deepEqual(at.places, ['taken'])
  at.engine.removes = true
  await at.networks.removeLeft()
  assert.deepEqual(at.places, ['taken', 'nw-proof is free'])
  at.engine.refusals.push('Pool overlaps with other one on this address space')
  await assert.rejects(at.lend(), /Pool overlaps/)
  assert.deepEqual(at.places.slice(2), ['nw-proof is free'])
  await place.release()
})

test('another range is used where the engine refuses one', async () => {
  await using at = await stage(HERE)
  at.engine.refusals.push('Pool overlaps with other one on this address space')
  const { connection } = await at.networks.take({ name: 'job_1/1', isStranger: false })
  assert.ok(connection.kind === 'network' && connection.resolver !== undefined)
  assert.deepEqual(at.places, ['taken', `${HERE} is free`, 'taken'])
})

test('an engine that is down for a moment is not taken for one without rules', async () => {
  await using at = await stage(HERE)
  at.engine.isDown = true
  const spec = { name: 'job_1/1', isStranger: false }
  await assert.rejects(at.networks.take(spec), { code: 'unavailable' })
  at.engine.isDown = false
  const { connection } = await at.networks.take(spec)
  assert.ok(connection.kind === 'network' && connection.resolver !== undefined)
})

test('an engine that refuses all ranges is tried again later', async ({ mock }) => {
  await using at = await stage(HERE)
  const spec = { name: 'job_1/1', isStranger: false }
  const hasRules = async () => {
    const { connection } = await at.networks.take(spec)
    return connection.kind === 'network' && connection.resolver !== undefined
  }
  at.engine.refusals.push('no such driver option', 'no such driver option')
  assert.equal(await hasRules(), false)
  assert.equal(await hasRules(), false)
  const later = performance.now() + 61_000
  mock.method(performance, 'now', () => later)
  assert.equal(await hasRules(), true)
})
