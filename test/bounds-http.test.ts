import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { startAgent } from '../src/agent/agent.ts'
import { EmbeddedBroker } from '../src/broker/embedded.ts'
import { readGitEnv } from '../src/config/env.ts'
import type { HttpBounds } from '../src/http/bounds.ts'
import { type Metrics, openMetrics } from '../src/http/metrics.ts'
import { createHttpServer, listen } from '../src/http/server.ts'
import { silentLog } from '../src/lib/log.ts'
import { newId } from '../src/lib/new-id.ts'
import type { Store } from '../src/store/store.ts'
import { Vault } from '../src/vault/vault.ts'
import { eventually } from './support/eventually.ts'
import { deliver, pushPayload } from './support/github.ts'
import { openTestStore } from './support/test-store.ts'

const forge = { id: 77, fullName: 'ada/project' }
const secret = 'a secret of a webhook'

interface Agent extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly store: Store
  readonly metrics: Metrics
  push(sha: string, padding?: number): Promise<number>
}

/** An agent with a repository, nothing else of Narwhal behind it. */
async function startTestAgent(bounds: Partial<HttpBounds> = {}): Promise<Agent> {
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await openTestStore())
  const vault = await Vault.openInMemory(store)
  const log = silentLog()
  const metrics = openMetrics()
  const broker = stack.use(new EmbeddedBroker(log))
  const ready = (): Promise<void> => store.ping()
  const server = await createHttpServer({ log, metrics, ready, version: '1', bounds })
  stack.use(startAgent(server, { store, vault, broker, metrics, gitEnv: readGitEnv(), log }))
  stack.defer(() => server.close())
  const repositoryId = newId('repo')
  await store.transact((write) =>
    write.repositories.insert(
      {
        id: repositoryId,
        name: forge.fullName,
        forge: 'github',
        forgeId: forge.id,
        cloneUrl: 'https://git.example.test/ada/project.git',
        webhookSecret: secret,
        pollIntervalMs: 0,
        createdAt: 1,
      },
      [],
    ),
  )
  const { url } = await listen(server, { host: '127.0.0.1', port: 0 })
  const push = async (sha: string, padding = 0): Promise<number> => {
    const payload = { ...pushPayload(forge, { sha }), padding: 'x'.repeat(padding) }
    return (await deliver(url, { event: 'push', payload, secret, repositoryId })).status
  }
  const owned = stack.move()
  const port = Number(new URL(url).port)
  return { url, port, store, metrics, push, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const shaOf = (n: number): string => n.toString(16).padStart(40, 'a')

/** Sockets that say this and then wait. */
async function openSlow(port: number, count: number, text: string): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'))
  for (const socket of sockets) socket.on('error', () => {})
  await Promise.all(
    sockets.map(async (socket) => {
      await once(socket, 'connect').catch(() => {})
      socket.write(text)
    }),
  )
  return sockets
}

async function valueOf(metrics: Metrics, name: string): Promise<number> {
  const line = (await metrics.metrics()).split('\n').find((one) => one.startsWith(`${name} `))
  return Number(line?.split(' ').at(-1) ?? 0)
}

test('thousands of slow clients keep no webhook from being answered', async () => {
  await using agent = await startTestAgent()
  const before = process.memoryUsage().rss
  const texts = [
    'POST /webhooks/github HTTP/1.1\r\nhost: a\r\nx-slow',
    'POST /webhooks/github HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{',
    'GE',
    '',
  ]
  const sockets: Socket[] = []
  try {
    for (const text of texts) sockets.push(...(await openSlow(agent.port, 750, text)))
    for (let n = 0; n < 20; n++) assert.equal(await agent.push(shaOf(n)), 202)
    assert.ok((await valueOf(agent.metrics, 'narwhal_http_connections')) <= 2_000)
    assert.equal(await valueOf(agent.metrics, 'narwhal_http_requests'), 0)
    // Both ends of them are in this process.
    const grown = process.memoryUsage().rss - before
    assert.ok(grown < 200 * 1024 * 1024, `${grown} bytes more`)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
  const pending = await agent.store.events.listPending({ before: Date.now() + 1, limit: 100 })
  assert.equal(pending.length, 20)
})

test('a client that is too slow with its headers or its body is cut off', async () => {
  await using agent = await startTestAgent({ headersMs: 100, requestMs: 300, checkMs: 20 })
  const slow = [
    ...(await openSlow(agent.port, 1, 'POST /webhooks/github HTTP/1.1\r\nhost')),
    ...(await openSlow(
      agent.port,
      1,
      'POST /webhooks/github HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{',
    )),
  ]
  for (const socket of slow) {
    socket.resume()
    if (!socket.closed) await once(socket, 'close')
  }
  assert.equal(await agent.push(shaOf(1)), 202)
})

test('the oldest of those that wait makes room, and none that is being answered', async () => {
  await using agent = await startTestAgent({ connections: 3, connectionsOfAddress: 3 })
  const gate = Promise.withResolvers<void>()
  const transact = agent.store.transact.bind(agent.store)
  agent.store.transact = async (work) => (await gate.promise, await transact(work))
  const pushed = agent.push(shaOf(1))
  await eventually(
    async () => assert.equal(await valueOf(agent.metrics, 'narwhal_http_requests'), 1),
    { message: 'a webhook in hand' },
  )
  const [first, second, third] = [
    ...(await openSlow(agent.port, 1, 'G')),
    ...(await openSlow(agent.port, 1, 'G')),
    ...(await openSlow(agent.port, 1, 'G')),
  ]
  await eventually(() => first?.destroyed === true || first?.readyState !== 'open')
  assert.deepEqual([second?.readyState, third?.readyState], ['open', 'open'])
  gate.resolve()
  assert.equal(await pushed, 202)
  for (const socket of [first, second, third]) socket?.destroy()
})

test('webhooks beyond the bound get 503 before anything is done for them; health is told', async () => {
  await using agent = await startTestAgent({ requests: 5 })
  const gate = Promise.withResolvers<void>()
  const transact = agent.store.transact.bind(agent.store)
  agent.store.transact = async (work) => (await gate.promise, await transact(work))
  const first = Array.from({ length: 5 }, (_, n) => agent.push(shaOf(n)))
  await eventually(async () =>
    assert.equal(await valueOf(agent.metrics, 'narwhal_http_requests'), 5),
  )
  const body = '{"repository":{"id":77,"full_name":"ada/project"}}'
  const headers = {
    'x-github-event': 'ping',
    'x-github-delivery': '1',
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  }
  const refused = await fetch(`${agent.url}/webhooks/github`, { method: 'POST', body, headers })
  assert.equal(refused.status, 503)
  assert.equal(refused.headers.get('retry-after'), '5')
  assert.match(await refused.text(), /try again later/)
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    assert.equal((await fetch(agent.url + path)).status, 200, path)
  }
  gate.resolve()
  assert.deepEqual(await Promise.all(first), [202, 202, 202, 202, 202])
  assert.equal(await agent.push(shaOf(9)), 202)
  const pending = await agent.store.events.listPending({ before: Date.now() + 1, limit: 100 })
  assert.equal(pending.length, 6)
})

test('large bodies have a bound together, and each its own', async () => {
  const MiB = 1024 * 1024
  await using agent = await startTestAgent({ bodyBytesInAll: 8 * MiB })
  const head = (length: number): string =>
    `POST /webhooks/github/repo_1 HTTP/1.1\r\nhost: a\r\nx-github-event: push\r\nx-github-delivery: 1\r
x-hub-signature-256: x\r\ncontent-length: ${length}\r\n\r\n`
  const [holder] = await openSlow(agent.port, 1, head(20 * MiB))
  holder?.write(Buffer.alloc(7 * MiB, ' '))
  await eventually(() => holder?.writableLength === 0)
  await eventually(async () => assert.equal(await agent.push(shaOf(1), 2 * MiB), 503))
  assert.equal(await agent.push(shaOf(2)), 202)
  holder?.destroy()
  await eventually(async () => assert.equal(await agent.push(shaOf(1), 2 * MiB), 202))
  assert.equal(await agent.push(shaOf(3), 26 * MiB), 413)
  const header = await fetch(agent.url, { headers: { 'x-long': 'x'.repeat(17_000) } })
  assert.equal(header.status, 431)
})
