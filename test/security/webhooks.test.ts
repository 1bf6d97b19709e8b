import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { startAgent } from '../../src/agent/agent.ts'
import { EmbeddedBroker } from '../../src/broker/embedded.ts'
import { readGitEnv } from '../../src/config/env.ts'
import { openMetrics } from '../../src/http/metrics.ts'
import { createHttpServer, listen } from '../../src/http/server.ts'
import { silentLog } from '../../src/lib/log.ts'
import { newId } from '../../src/lib/new-id.ts'
import type { Store } from '../../src/store/store.ts'
import { Vault } from '../../src/vault/vault.ts'
import { webhookSecretPlace } from '../../src/vault/webhook-secrets.ts'
import { eventually } from '../support/eventually.ts'
import { pushPayload } from '../support/github.ts'
import { openTestStore } from '../support/test-store.ts'

const MiB = 1024 * 1024
const SECRET = 'the secret of the repository'

interface Sending {
  readonly body: string
  readonly signedBy?: string
  readonly path?: string
  readonly event?: string
  readonly headers?: Readonly<Record<string, string>>
}

interface Agent extends AsyncDisposable {
  readonly url: string
  readonly store: Store
  readonly path: string
  /** Creates another secret, as an administrator does. */
  renew(secret: string, endsAt: number): Promise<void>
  send(sending: Sending): Promise<Response>
}

const forge = { id: 77, fullName: 'ada/project' }

/** An agent with one repository, and nothing else of Narwhal behind it. */
async function openAgent(): Promise<Agent> {
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await openTestStore())
  const vault = await Vault.openInMemory(store)
  const [log, metrics] = [silentLog(), openMetrics()]
  const broker = stack.use(new EmbeddedBroker(log))
  const ready = (): Promise<void> => store.ping()
  const server = await createHttpServer({ log, metrics, ready, version: '1' })
  stack.use(startAgent(server, { store, vault, broker, metrics, gitEnv: readGitEnv(), log }))
  stack.defer(() => server.close())
  const id = newId('repo')
  await store.transact(async (write) => {
    const webhookSecret = await vault.seal(write, SECRET, webhookSecretPlace(id))
    const cloneUrl = 'https://git.example.test/ada/project.git'
    const record = {
      id,
      name: forge.fullName,
      forge: 'github',
      forgeId: forge.id,
      cloneUrl,
    } as const
    await write.repositories.insert(
      { ...record, webhookSecret, pollIntervalMs: 0, createdAt: 1 },
      [],
    )
  })
  const { url } = await listen(server, { host: '127.0.0.1', port: 0 })
  const path = `/webhooks/github/${id}`
  const owned = stack.move()
  return {
    url,
    store,
    path,
    renew: async (secret, endsAt) => {
      await store.transact(async (write) => {
        const sealed = await vault.seal(write, secret, webhookSecretPlace(id))
        await write.repositories.replaceWebhookSecret(id, sealed, endsAt)
      })
    },
    send: ({ body, signedBy, path: to = path, event = 'push', headers = {} }) =>
      fetch(`${url}${to}`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-github-event': event,
          'x-github-delivery': randomUUID(),
          ...(signedBy === undefined
            ? {}
            : {
                'x-hub-signature-256': `sha256=${createHmac('sha256', signedBy).update(body).digest('hex')}`,
              }),
          ...headers,
        },
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function push(sha: string, more: object = {}): string {
  return JSON.stringify({ ...pushPayload(forge, { sha }), ...more })
}

const shaOf = (n: number): string => n.toString(16).padStart(40, 'a')

/** How many bytes this thread has parsed as JSON since. */
function countParsed(context: TestContext): () => number {
  const parse = context.mock.method(JSON, 'parse')
  return () => parse.mock.calls.reduce((sum, { arguments: [text] }) => sum + text.length, 0)
}

/** The slowest input for a parser, for its length. */
function hostile(bytes: number): string {
  const head = '{"repository":{"id":77,"full_name":"ada/project"},"x":['
  return `${head}${'[],'.repeat((bytes - head.length) / 3)}1]}`
}

test('SEC-03: a huge unsigned webhook is never parsed', async (context) => {
  await using agent = await openAgent()
  const parsed = countParsed(context)
  const body = hostile(24 * MiB)
  for (const path of [agent.path, '/webhooks/github/repo_nobody']) {
    const unsigned = await agent.send({ body, path })
    assert.equal(unsigned.status, 401, await unsigned.text())
    assert.equal((await agent.send({ body, path, signedBy: 'wrong' })).status, 401)
  }
  // This test's own answers are parsed, but nothing of the bodies.
  assert.ok(parsed() < 1000, `${parsed()} bytes parsed`)
})

test('SEC-03b: a huge webhook with a valid signature is parsed by another thread', async (context) => {
  await using agent = await openAgent()
  const parsed = countParsed(context)
  const body = push(shaOf(1), { padding: 'x'.repeat(24 * MiB) })
  const accepted = await agent.send({ body, signedBy: SECRET })
  assert.equal(accepted.status, 202, await accepted.text())
  const malformed = await agent.send({
    body: `${'['.repeat(150)}${' '.repeat(MiB)}`,
    signedBy: SECRET,
  })
  assert.match(await malformed.text(), /"code":"invalid".*not JSON/)
  assert.ok(parsed() < 5_000, `${parsed()} bytes parsed`)
})

test('SEC-03c: on the path without a repository bodies are limited, and parsed only if signed', async (context) => {
  await using agent = await openAgent()
  const parsed = countParsed(context)
  const path = '/webhooks/github'
  assert.equal((await agent.send({ path, body: hostile(MiB + 100), signedBy: SECRET })).status, 413)
  const chunked = new Blob([hostile(2 * MiB)]).stream()
  const long = await fetch(`${agent.url}${path}`, {
    method: 'POST',
    body: chunked,
    duplex: 'half',
    headers: { 'x-github-event': 'push', 'x-github-delivery': '1', 'x-hub-signature-256': 'x' },
  } as RequestInit)
  assert.equal(long.status, 413)
  assert.equal((await agent.send({ path, body: hostile(MiB - 10), signedBy: 'wrong' })).status, 401)
  assert.equal((await agent.send({ path, body: hostile(MiB - 10) })).status, 401)
  assert.ok(parsed() < 1000, `${parsed()} bytes parsed`)
  assert.equal((await agent.send({ path, body: push(shaOf(1)), signedBy: SECRET })).status, 202)
})

test('SEC-03d: a signed payload that is deeply nested or too expensive to parse is rejected with a message', async () => {
  await using agent = await openAgent()
  const deep = (bytes: number): string => `{"x":${'['.repeat(bytes / 2)}${']'.repeat(bytes / 2)}}`
  for (const bytes of [40_000, 2 * MiB]) {
    const refused = await agent.send({ body: deep(bytes), signedBy: SECRET })
    assert.equal(refused.status, 400)
    assert.match(await refused.text(), /nests too deep/)
  }
  assert.equal((await agent.send({ body: push(shaOf(1)), signedBy: SECRET })).status, 202)
})

test("SEC-27b: without a secret one can't find out which repositories exist", async () => {
  await using agent = await openAgent()
  const other = pushPayload({ id: 5, fullName: 'no/body' }, { sha: shaOf(1) })
  const answers = [
    await agent.send({ body: push(shaOf(1)), signedBy: 'wrong' }),
    await agent.send({ body: push(shaOf(1)), signedBy: 'wrong', path: '/webhooks/github/repo_no' }),
    await agent.send({ body: push(shaOf(1)), signedBy: SECRET, path: '/webhooks/github/repo_no' }),
    await agent.send({ body: push(shaOf(1)), signedBy: 'wrong', path: '/webhooks/github' }),
    await agent.send({ body: JSON.stringify(other), signedBy: SECRET, path: '/webhooks/github' }),
    // The same repository, as if it were at another forge.
    await agent.send({
      body: push(shaOf(1)),
      path: agent.path.replace('github', 'gitea'),
      headers: { 'x-gitea-event': 'push', 'x-gitea-delivery': '1', 'x-gitea-signature': 'x' },
    }),
  ]
  const texts = await Promise.all(answers.map((answer) => answer.text()))
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([401]))
  assert.equal(new Set(texts).size, 1, texts.join('\n'))
})

test('SEC-27c: an address with many wrong signatures is throttled, but not its valid ones', async () => {
  await using agent = await openAgent()
  const statuses: number[] = []
  for (let n = 0; n < 40; n++) {
    statuses.push((await agent.send({ body: '{}', signedBy: 'wrong' })).status)
  }
  assert.deepEqual(new Set(statuses.slice(0, 30)), new Set([401]))
  assert.deepEqual(new Set(statuses.slice(30)), new Set([429]))
  const late = await agent.send({ body: '{}', signedBy: 'wrong' })
  assert.match(late.headers.get('retry-after') ?? '', /^([1-9]|[1-5][0-9]|60)$/)
  assert.doesNotMatch(await late.text(), /match|repositor/)
  // A large body is rejected unread; a small one might be the forge's, behind the same proxy.
  const large = push(shaOf(1), { padding: 'x'.repeat(100_000) })
  assert.equal((await agent.send({ body: large, signedBy: SECRET })).status, 429)
  assert.equal((await agent.send({ body: push(shaOf(1)), signedBy: SECRET })).status, 202)
})

test('SEC-28b: two secrets are valid while one replaces the other, and until the new one is used', async () => {
  await using agent = await openAgent()
  const status = async (sha: number, signedBy: string, event = 'push'): Promise<number> => {
    const body = event === 'push' ? push(shaOf(sha)) : push(shaOf(sha), { zen: 'x' })
    return (await agent.send({ body, signedBy, event })).status
  }
  await agent.renew('second', Date.now() + 60_000)
  assert.equal(await status(1, SECRET), 202)
  // A test delivery of Narwhal itself does not mean that the forge has the new one.
  assert.equal(await status(1, 'second', 'ping'), 200)
  assert.equal(await status(2, SECRET), 202)
  assert.equal(await status(3, 'third'), 401)
  assert.equal(await status(3, 'second'), 202)
  assert.equal(await status(4, SECRET), 401)
  assert.equal(await status(4, 'second'), 202)
  // An expired one is rejected even if it was never replaced in use.
  await agent.renew('third', Date.now() - 1)
  assert.equal(await status(5, 'second'), 401)
  assert.equal(await status(5, 'third'), 202)
  // Of three in a row the first has expired.
  await agent.renew('fourth', Date.now() + 60_000)
  await agent.renew('fifth', Date.now() + 60_000)
  assert.equal(await status(6, 'third'), 401)
  assert.equal(await status(6, 'fourth'), 202)
  assert.equal(await status(7, 'fifth'), 202)
})

test("SEC-03e: the secret of one repository can't be used for another's commits", async () => {
  await using agent = await openAgent()
  const body = JSON.stringify(pushPayload({ id: 78, fullName: 'ada/other' }, { sha: shaOf(1) }))
  const refused = await agent.send({ body, signedBy: SECRET })
  assert.equal(refused.status, 409)
  assert.match(await refused.text(), /the webhook is about .*ada\/other.* those of ada\/project/)
  // The scanner of the path without a repository and the parser might see different keys.
  const twice = `{"repository":{"id":78,"full_name":"ada/other"},${push(shaOf(2)).slice(1, -1)},"repository":{"id":78,"full_name":"ada/other"}}`
  const other = await agent.send({ body: twice, signedBy: SECRET, path: '/webhooks/github' })
  assert.ok([401, 409].includes(other.status))
  const pending = await agent.store.events.listPending({ before: Date.now() + 1, limit: 10 })
  assert.deepEqual(pending, [])
})

test('WHO-40: the webhook path accepts only POST', async () => {
  await using agent = await openAgent()
  for (const path of ['/webhooks/github', agent.path]) {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const answer = await fetch(`${agent.url}${path}`, { method })
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'POST'])
    }
  }
})

test('SEC-03g: a client that disconnects in the middle of a body does no harm', async () => {
  await using agent = await openAgent()
  const socket = connect(Number(new URL(agent.url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `POST ${agent.path} HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\nx-github-event: push\r\nx-github-delivery: 1\r\nx-hub-signature-256: x\r\n\r\n${'x'.repeat(70_000)}`,
    () => socket.destroy(),
  )
  await eventually(async () => {
    const metrics = await (await fetch(`${agent.url}/metrics`)).text()
    return /narwhal_webhooks_total\{result="(?:invalid|cancelled|unavailable)"\} 1/.test(metrics)
  })
})

test('SEC-03f: an endless body is cut off at its limit', async () => {
  await using agent = await openAgent()
  const socket = connect(Number(new URL(agent.url).port), '127.0.0.1')
  const heard = Promise.withResolvers<string>()
  socket.on('data', (data) => heard.resolve(data.toString()))
  socket.on('error', heard.reject)
  socket.write(
    `POST ${agent.path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nx-github-event: push\r\nx-github-delivery: 1\r\nx-hub-signature-256: x\r\n\r\n`,
  )
  const chunk = `100000\r\n${'x'.repeat(MiB)}\r\n`
  for (let n = 0; n < 27; n++) socket.write(chunk)
  assert.match(await heard.promise, /^HTTP\/1\.1 413 /)
  socket.destroy()
})
