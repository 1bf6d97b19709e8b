import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { NarwhalError } from '../../../../lib/errors.ts'
import { silentLog } from '../../../../lib/log.ts'
import type { JobNetworks } from '../../../network/job-networks.ts'
import { parseEngineAddress } from './docker-address.ts'
import { DockerApi } from './docker-api.ts'
import { DockerNetworks } from './docker-networks.ts'

const NOWHERE = 'nw-is-nowhere'
/** By this name the machine has something, as it has a bridge, and nothing that could be set of it. */
const HERE = '.'

/** An engine that makes all networks, and removes them as a test says; the one place for them is told by `bridge`. */
async function stage(bridge: string) {
  const engine = { removes: true, trouble: '', networks: new Set<string>() }
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? '').split('/').slice(2).join('/')
    if (request.url === '/version') response.end(JSON.stringify({ ApiVersion: '1.41' }))
    else if (request.method === 'DELETE') {
      if (engine.removes) engine.networks.delete(path)
      response.writeHead(engine.removes ? 204 : 403).end('{"message":"has active endpoints"}')
    } else {
      const body = JSON.parse(await text(request)) as { Name: string }
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
    engineTrouble: '',
    notesFor: () => [],
    connect: () => assert.fail(),
    check: async () => {
      if (engine.trouble !== '') throw new NarwhalError('unavailable', engine.trouble)
    },
    reserve: async () => {
      places.push('taken')
      const subnet = { subnet: '10.64.0.64/26', gateway: '10.64.0.65', mtu: 1500 }
      return { bridge, ...subnet, resolver: '10.64.0.1' }
    },
    release: (given) => void places.push(`${given} is free`),
    proveEngine: async () => {
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
    networks: new DockerNetworks(api, { instance: 'one', networks: source, log }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('the addresses of a network are free once the engine has removed it, then or later', async () => {
  await using at = await stage(NOWHERE)
  at.engine.removes = false
  // It is not on this machine, so it is given up at once for another kind of network.
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

test('what a job gives up while the engine removes nothing is removed in the end', async () => {
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
