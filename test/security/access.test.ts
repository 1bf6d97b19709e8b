import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { headOf, orderOf, runnerClient, runnerClientAt } from '../support/attempt-client.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { startUp } from '../support/installation.ts'
import { LiveTestClient } from '../support/live-client.ts'
import { startRunnerProcess } from '../support/runner-process.ts'
import { bearer } from '../support/tokens.ts'

/** What others on the same machine could ask without authenticating. */

const join = async (url: string, body: object): Promise<Response> =>
  await fetch(`${url}/api/v1/runners/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

test('SEC-04: a runner on loopback does nothing without its token', async () => {
  await using repository = await gitRepository({
    files: { 'narwhal.yml': 'steps: [echo private-canary]' },
  })
  await using runner = await startRunnerProcess({ name: 'apart' })
  const commit = await headOf(repository)
  const clients = [
    runnerClient(createGrpcTransport({ baseUrl: runner.url })),
    runnerClientAt(runner.url, 'the-token-of-somebody-else'),
  ]
  for (const client of clients) {
    const order = orderOf(commit, ['echo private-canary'])
    const attempt = async (): Promise<void> => {
      async function* orders() {
        yield order
      }
      for await (const event of client.runAttempt(orders())) assert.fail(JSON.stringify(event))
    }
    const asked = [
      () => client.planCommit({ commit }),
      () => client.drain({}),
      () => client.probe({}),
      attempt,
    ]
    for (const ask of asked) {
      await assert.rejects(ask, (error: Error) => {
        assert.match(error.message, /\[unauthenticated\]/)
        return !error.message.includes('canary')
      })
    }
  }
  // Nothing was done: it still accepts work from authorised callers.
  assert.equal((await runnerClientAt(runner.url).probe({})).trouble ?? '', '')
})

test('SEC-05: no runner joins without a token, and it only gets granted labels', async () => {
  await using narwhal = await startUp()
  const { client, url } = narwhal
  const rogue = { name: 'rogue', labels: ['prod'] }
  assert.equal((await join(url, rogue)).status, 401)
  assert.equal((await join(url, { ...rogue, token: 'narwhal_wrong' })).status, 401)
  const { token } = await client.createJoinToken({ labels: ['test'] })
  const joined = await join(url, { ...rogue, token })
  const runner = (await client.listRunners()).find(({ name }) => name === 'rogue')
  assert.equal(joined.status, 201)
  assert.ok(runner)
  assert.ok(!runner.labels.includes('prod'), runner.labels.join(' '))
})

test('SEC-21: a viewer who opens as many websockets as possible leaves room for others', async () => {
  await using narwhal = await startUp()
  const { client, url } = narwhal
  await client.addUser({ name: 'greedy', role: 'viewer' })
  const { token } = await client.createToken({ name: 'many', user: 'greedy' })
  await using stack = new AsyncDisposableStack()
  let refused = false
  for (let i = 0; i < 400 && !refused; i++) {
    const socket = LiveTestClient.connect(url, bearer(token))
    const connected = await socket.catch(() => undefined)
    if (connected) stack.use(connected)
    else refused = true
  }
  assert.ok(refused)
  await using other = await LiveTestClient.connect(url, bearer(narwhal.token))
  other.ask({ type: 'subscribe', id: 'all', topic: { kind: 'everything' } })
  await eventually(() => other.has('all', 'subscribed'), { message: 'an answer to the other' })
})

test("SEC-22: wrong tokens from an address don't block a valid one", async () => {
  await using narwhal = await startUp()
  const { client, url } = narwhal
  for (let i = 0; i < 25; i++) {
    const { status } = await join(url, { name: 'guess', token: `narwhal_guess-${i}` })
    assert.equal(status, i < 20 ? 401 : 503)
  }
  const { token } = await client.createJoinToken({ labels: [] })
  assert.equal((await join(url, { name: 'right', token })).status, 201)
})

test("SEC-27: answers are not cached, and don't reveal to strangers what is registered", async () => {
  await using repository = await gitRepository({ files: { 'narwhal.yml': 'steps: [print a]' } })
  await using narwhal = await startUp()
  const { client, url, token } = narwhal
  await client.addRepository({ name: 'ada/a', cloneUrl: repository.path, pollIntervalMs: 0 })
  const ask = async (name: string, headers = {}): Promise<Response> =>
    await fetch(`${url}/api/v1/repositories/${encodeURIComponent(name)}/secrets`, { headers })
  const [known, unknown] = [await ask('ada/a'), await ask('ada/none')]
  assert.deepEqual([known.status, unknown.status], [401, 401])
  assert.equal(await known.text(), await unknown.text())
  for (const answer of [known, unknown, await ask('ada/a', bearer(token))]) {
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(answer.headers.get('cache-control'), 'no-store')
  }
})
