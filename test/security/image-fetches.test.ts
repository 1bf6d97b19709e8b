import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { CONTAINER_IDS } from '../../src/core/container-ids.ts'
import { parseImageReference } from '../../src/core/image-reference.ts'
import { fetchForStrangers } from '../../src/runner/executor/oci/fetch-for-strangers.ts'
import { testRegistry } from '../../src/runner/images/fixtures/registry.fixture.ts'
import { openImages } from '../../src/runner/images/open-images.ts'
import type { FetchPlace, StrangersWay } from '../../src/runner/images/strangers-way.ts'
import { realNetworks } from '../support/networks.ts'
import { findProgram, isRoot } from '../support/services/programs.ts'
import { type TempDir, tempDir } from '../support/temp-dir.ts'

const skip =
  (!isRoot() && 'only root has networks for strangers') ||
  (!findProgram('skopeo') && 'skopeo is not installed (apt: skopeo)') ||
  (!findProgram('nft') && 'nft is not installed (apt: nftables)')
const signal = AbortSignal.timeout(60_000)

function open(dir: TempDir, strangers: StrangersWay) {
  const options = { dataDir: dir.join('data'), isRoot: true, ids: CONTAINER_IDS, strangers }
  return openImages({ ...options, env: { HOME: dir.path }, mostBytes: Infinity })
}

/** A server of the machine, at all its addresses, that must not be asked by anything of a stranger. */
async function canary() {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end('{"token":"x"}')
  })
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    asked,
    port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const HOSTILE = `
const realm = process.argv[1]
require('node:http').createServer((request, response) => {
  response.writeHead(401, { 'www-authenticate': 'Bearer realm="' + realm + '",service="x"' })
  response.end('{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized"}]}')
}).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`

/** A registry that says that its tokens are elsewhere, on the loopback interface of a network; its port. */
async function hostileRegistry(
  realm: string,
  { enter }: Pick<FetchPlace, 'enter'>,
): Promise<{ readonly port: string; readonly child: ChildProcess }> {
  const [program, ...args] = [...enter, process.execPath, '-e', HOSTILE, realm]
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  return { port: chunk.toString().trim(), child }
}

/** Addresses of this machine: its loopback interface, and others if it has any. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((some) => some ?? [])
  const plain = all.filter(({ family, internal }) => family === 'IPv4' && !internal)
  return ['127.0.0.1', ...plain.slice(0, 2).map(({ address }) => address)]
}

test("IMG-06: a registry that a stranger's image names leads its fetch to nothing of the machine", {
  skip,
}, async () => {
  await using dir = await tempDir()
  const way = fetchForStrangers(realNetworks())
  await using opened = await open(dir, way)
  for (const address of ownAddresses()) {
    await using server = await canary()
    const realm = `http://${address}:${server.port}/token`
    for (const isInside of [true, false]) {
      await using place = await way.connect()
      const at = isInside ? place : { enter: [] }
      const { port, child } = await hostileRegistry(realm, at)
      try {
        const image = `docker://127.0.0.1:${port}/app:1`
        const command = ['inspect', '--raw', '--no-creds', '--tls-verify=false', image]
        const options = { signal, tmp: dir.join('tmp') }
        await assert.rejects(opened.skopeo.inside(at).run(command, options))
        // Outside, skopeo goes wherever it is told.
        assert.equal(server.asked.length > 0, !isInside, `${address} ${isInside}`)
      } finally {
        child.kill('SIGKILL')
      }
    }
  }
})

test("IMG-07: a stranger's image comes from no registry of the machine or of a private network", {
  skip,
}, async () => {
  await using dir = await tempDir()
  await using registry = await testRegistry()
  await using opened = await open(dir, fetchForStrangers(realNetworks()))
  const names = ['127.0.0.1', 'localhost', '10.255.255.1', '169.254.169.254', '[::1]']
  const [, port = ''] = registry.host.split(':')
  for (const name of names) {
    for (const pull of ['missing', 'always'] as const) {
      const image = parseImageReference(`${name}:${port}/app:1`)
      await assert.rejects(opened.images.hold(image, { signal, isStranger: true, pull }), {
        code: 'invalid',
        message: /private network.*--reach/,
      })
    }
  }
  assert.deepEqual(registry.requests, [])
})

test("IMG-08: the fetch of a stranger's image runs in a network of strangers' jobs, others don't", {
  skip,
}, async () => {
  await using dir = await tempDir()
  await using registry = await testRegistry()
  const kinds: string[] = []
  const image = parseImageReference(`${registry.host}/app:1`)
  const empty = { enter: ['unshare', '--net', '--'], [Symbol.asyncDispose]: async () => {} }
  const way = (kind: 'public' | 'opened'): StrangersWay => ({
    admit: async () => kind,
    connect: async () => {
      kinds.push('connected')
      return empty
    },
  })
  await using closed = await open(dir, way('public'))
  // Our own question is refused, since the registry is at no public address.
  await assert.rejects(closed.images.hold(image, { signal, isStranger: true }), /may not reach/)
  await assert.rejects(closed.images.hold(image, { signal }), { code: 'not_found' })
  assert.deepEqual(kinds, ['connected'])
  const asked = registry.requests.length
  assert.ok(asked > 0)
  await using other = await tempDir()
  await using openedByOperator = await open(other, way('opened'))
  const strangers = openedByOperator.images.hold(image, { signal, isStranger: true })
  await assert.rejects(strangers, { code: 'not_found' })
  assert.ok(registry.requests.length > asked)
  assert.deepEqual(kinds, ['connected'])
})
