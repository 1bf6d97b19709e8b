import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { readGitEnv } from '../../src/config/env.ts'
import { testedDelivery } from '../../src/contract/rest/rest-insights.ts'
import { git } from '../../src/lib/git/git.ts'
import { askOnce } from '../../src/lib/reach/ask-once.ts'
import { ANY_HOSTS } from '../../src/lib/reach/hosts.ts'
import { nearnessOf } from '../../src/lib/reach/reach.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { finished, type Installation, startUp } from '../support/installation.ts'
import { tempDir } from '../support/temp-dir.ts'
import { bearer } from '../support/tokens.ts'

interface Served extends AsyncDisposable {
  readonly url: string
  /** The requests received. */
  readonly asked: string[]
  /** Bytes that were sent to clients. */
  readonly given: () => number
}

/** A server that answers everything with an endless body. */
async function endlessServer(): Promise<Served> {
  const asked: string[] = []
  let given = 0
  const chunk = Buffer.alloc(16 * 1024, 'x')
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    request.resume()
    const more = (): void => {
      while (!response.destroyed && given < 256 * 1024 * 1024) {
        given += chunk.length
        if (!response.write(chunk)) return
      }
    }
    response.on('drain', more).on('error', () => {})
    response.writeHead(200)
    more()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    given: () => given,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function added(
  { client, url: api, token }: Installation,
  cloneUrl: string,
  forge: 'github' | 'gitlab',
) {
  const name = `ada/at-${forge}`
  const { repository, webhook } = await client.addRepository({
    name,
    cloneUrl,
    forge,
    pollIntervalMs: 0,
  })
  const path = webhook?.path ?? ''
  const tryAt = async (url: string) => {
    const answer = await fetch(`${api}/api/v1/repositories/${repository.id}/test-delivery`, {
      method: 'POST',
      headers: { ...bearer(token), 'content-type': 'application/json' },
      body: JSON.stringify({ url }),
    })
    return testedDelivery.parse(await answer.json())
  }
  return { path, tryAt }
}

test("SEC-16: a test delivery goes to its own webhook's path, and reads only the beginning of the answer", async () => {
  await using source = await gitRepository({ files: { a: 'b' } })
  await using server = await endlessServer()
  await using narwhal = await startUp({ userRequests: 'private' })
  const { path, tryAt } = await added(narwhal, source.path, 'github')
  for (const wrong of ['/', '/webhooks/github', `${path}/x`, `${path}?a=b`, '/api/v1/users']) {
    assert.match((await tryAt(server.url + wrong)).words, /not the URL of the repository's webhook/)
  }
  assert.deepEqual(server.asked, [])
  const told = await tryAt(server.url + path)
  assert.deepEqual(told, { ok: false, words: 'the server there is not a Narwhal agent' })
  assert.deepEqual(server.asked, [`POST ${path}`])
  assert.ok(server.given() < 32 * 1024 * 1024, `${server.given()} bytes`)
})

test('SEC-16b: nothing on the machine or a private network is contacted, in any notation, and all answers are alike', async () => {
  await using source = await gitRepository({ files: { a: 'b' } })
  await using server = await endlessServer()
  await using narwhal = await startUp()
  const { path, tryAt } = await added(narwhal, source.path, 'github')
  const { port } = new URL(server.url)
  const hosts = [
    `127.0.0.1:${port}`,
    '127.0.0.1:1',
    `0x7f000001:${port}`,
    `2130706433:${port}`,
    `127.1:${port}`,
    `[::ffff:127.0.0.1]:${port}`,
    `[64:ff9b::7f00:1]:${port}`,
    `[2002:7f00:1::]:${port}`,
    `localhost:${port}`,
    `0.0.0.0:${port}`,
    '169.254.169.254',
    '[fe80::1]',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.0.1',
    '100.64.0.1',
    '[fd00::1]',
  ]
  const words = new Set<string>()
  for (const host of hosts) {
    const { ok, words: said } = await tryAt(`http://${host}${path}`)
    assert.equal(ok, false, host)
    const { hostname } = new URL(`http://${host}`)
    words.add(said.replace(hostname, 'HOST'))
  }
  assert.deepEqual(
    [...words],
    ["HOST is at an address that users' requests may not reach (see --user-requests)"],
  )
  assert.deepEqual(server.asked, [])
})

test('SEC-16c: a plain-text secret is sent to this Narwhal only', async () => {
  await using source = await gitRepository({ files: { a: 'b' } })
  await using server = await endlessServer()
  await using narwhal = await startUp({ userRequests: 'private' })
  const { path, tryAt } = await added(narwhal, source.path, 'gitlab')
  assert.match((await tryAt(server.url + path)).words, /only this Narwhal's own URL can be tested/)
  assert.deepEqual(server.asked, [])
  assert.equal((await tryAt(narwhal.agentUrl + path)).ok, true)
})

test('SEC-16d: a repository is cloned from the operator’s networks, and never from link-local addresses', async () => {
  await using source = await gitRepository({ files: { a: 'b' }, serve: true })
  await using narwhal = await startUp()
  const add = (cloneUrl: string, name: string) =>
    narwhal.client.addRepository({ name, cloneUrl, pollIntervalMs: 0 })
  await add(source.url, 'ada/near')
  for (const host of ['169.254.169.254', '[fe80::1]', '0.0.0.0', '224.0.0.1']) {
    await assert.rejects(add(`http://${host}/a.git`, 'ada/never'), {
      message: /at an address that users' requests may not reach/,
    })
  }
  await assert.rejects(add('ssh://git@169.254.169.254/a.git', 'ada/never'), { code: 'invalid' })
  await using strict = await startUp({ userRequests: 'public' })
  await assert.rejects(
    strict.client.addRepository({ name: 'ada/near', cloneUrl: source.url, pollIntervalMs: 0 }),
    { message: /at an address that users' requests may not reach/ },
  )
})

test('SEC-16u: a host that was allowed at registration is rejected at use if the operator has changed the rule', async () => {
  const files = { 'narwhal.yml': 'steps: [echo well]\n' }
  await using source = await gitRepository({ files, serve: true })
  await using dir = await tempDir()
  const data = dir.join('data')
  const name = 'ada/app'
  {
    await using narwhal = await startUp({ data })
    await narwhal.client.addRepository({ name, cloneUrl: source.url, pollIntervalMs: 0 })
    await narwhal.client.addRunner({ name: 'near', url: 'http://127.0.0.1:1', balanced: false })
  }
  const requests = source.requests.length
  {
    await using strict = await startUp({ data, userRequests: 'public' })
    const refused = {
      message: /at an address that users' requests may not reach \(see --user-requests\)/,
    }
    await assert.rejects(strict.client.startPipeline({ repository: name }), refused)
    const far = { name: 'far', url: 'http://127.0.0.1:2', balanced: false }
    await assert.rejects(strict.client.addRunner(far), refused)
    const reason = async () => {
      const runners = await strict.client.listRunners()
      return runners.find((one) => one.name === 'near')?.reason?.match(refused.message) ?? null
    }
    await eventually(reason, { message: 'the reason why the runner is not asked' })
  }
  assert.equal(source.requests.length, requests)
  await using named = await startUp({ data, userRequests: 'public,127.0.0.0/8' })
  const { id } = await named.client.startPipeline({ repository: name })
  const { pipeline, jobs } = await finished(named, id)
  assert.equal(pipeline.outcome, 'success', JSON.stringify([pipeline, jobs]))
})

test('SEC-16e: a host is looked up once, and contacted at that address', async () => {
  await using server = await endlessServer()
  const { port } = new URL(server.url)
  // No resolver knows this name: only the address from the earlier lookup is used.
  const url = new URL(`http://nowhere.invalid:${port}/path`)
  const question = {
    url,
    method: 'POST',
    headers: {},
    body: 'x',
    signal: AbortSignal.timeout(9_000),
  }
  const found = { address: '127.0.0.1', family: 4, nearness: 'own' } as const
  const answer = await askOnce(question, [found])
  assert.deepEqual([answer.status, answer.text.length], [200, 64 * 1024])
  assert.deepEqual(server.asked, ['POST /path'])
  await assert.rejects(ANY_HOSTS.find('nowhere.invalid'), { code: 'unavailable' })
})

test('NET-60: an address is classified in all of its notations', () => {
  const kinds = {
    own: ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '64:ff9b::7f00:1'],
    private: ['10.1.2.3', '172.31.0.1', '192.168.1.1', '100.127.0.1', 'fd12::1', '::ffff:10.0.0.1'],
    never: [
      '0.0.0.0',
      '169.254.169.254',
      '224.0.0.1',
      '255.255.255.255',
      '240.0.0.1',
      '::',
      'fe80::1',
      'fe80::1%eth0',
      'ff02::1',
      '2002:7f00:1::1',
      '2001::1',
      '64:ff9b:1::1',
      'fec0::1',
      '::1:2:3',
      'no address',
      '',
    ],
    public: ['8.8.8.8', '2606:4700::1', '::ffff:8.8.8.8', '64:ff9b::808:808'],
  } as const
  for (const [kind, addresses] of Object.entries(kinds)) {
    for (const address of addresses) assert.equal(nearnessOf(address), kind, address)
  }
})

test('NET-62: metadata services of clouds are never contacted, even if not link-local', async () => {
  const served = ['168.63.129.16', '100.100.100.200', 'fd00:ec2::254', 'fd20:ce::254']
  const wrapped = ['::ffff:168.63.129.16', '64:ff9b::a83f:8110', '::ffff:6464:64c8']
  for (const address of [...served, ...wrapped]) {
    assert.equal(nearnessOf(address), 'never', address)
    await assert.rejects(ANY_HOSTS.find(address), { code: 'forbidden' })
  }
  assert.deepEqual(['168.63.129.17', '100.100.100.201'].map(nearnessOf), ['public', 'private'])
})

const CANARY = 'canary-5e11aa90'
/** As if hosts had been looked up: git itself says what is wrong. */
const way = {
  settings: ['http', 'https', 'ssh'].map((one) => `protocol.${one}.allow=always`),
  ssh: [],
}

test('SEC-16f: however git fails, the error contains no credentials of its URL', async () => {
  await using dir = await tempDir()
  await using server = await endlessServer()
  const env = readGitEnv()
  const { host } = new URL(server.url)
  const urls = [
    `http://user:${CANARY}@127.0.0.1:1/a.git`,
    `http://${CANARY}@${host}/a.git`,
    `http://127.0.0.1:1/a.git?private_token=${CANARY}`,
    `https://user:${CANARY}@127.0.0.1:1/a.git`,
    `ssh://user:${CANARY}@127.0.0.1:1/a.git`,
    `nothing://user:${CANARY}@host/a.git`,
  ]
  const fails = [
    (url: string) => git(['ls-remote', '--', url], { env, way, timeoutMs: 1_000 }),
    (url: string) => git(['ls-remote', '--', url], { env, way, timeoutMs: 1 }),
    (url: string) => git(['ls-remote', '--', url], { way, env: { PATH: dir.path } }),
    (url: string) => git(['ls-remote', '--', url], { env, way, cwd: dir.join('missing') }),
    (url: string) => git(['config', '--list', '-c', url], { env, maxBytes: 1 }),
    (url: string) => git(['fetch', url], { env, way, cwd: dir.path }),
    (url: string) =>
      git(['clone', '--', url, dir.join('x')], { env, way, signal: AbortSignal.timeout(5) }),
  ]
  for (const url of urls) {
    for (const fail of fails) {
      const error: unknown = await fail(url).then(
        () => assert.fail('it did not fail'),
        (reason: unknown) => reason,
      )
      const shown = `${inspect(error, { depth: 20, showHidden: true })} ${JSON.stringify(error)}`
      assert.ok(!shown.includes(CANARY), shown)
    }
  }
})
