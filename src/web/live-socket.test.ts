import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { LiveTestClient } from '#root/test/support/live-client.ts'
import { openWebStage } from '#root/test/support/web-stage.ts'
import { guardApi } from '../api/auth/auth.ts'
import { createToken, hashToken } from '../api/auth/tokens.ts'
import { SIGNED_OUT_CODE } from '../contract/live/close-code.ts'
import type { StateChange } from '../contract/live/live-event.ts'
import { newId } from '../lib/new-id.ts'

const everything = { kind: 'everything' } as const
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
const seqsOf = (changes: readonly StateChange[]) => changes.map(({ seq }) => seq)

test('replays what was missed and goes on live, without a hole, while others write', async () => {
  await using web = await openWebStage()
  const clients: LiveTestClient[] = []
  for (let n = 0; n < 60; n++) {
    await web.stage.addRunner({ name: `r${n}` })
    if (n % 15 !== 7) continue
    const client = await LiveTestClient.connect(web.url)
    client.ask({ type: 'subscribe', id: 'all', topic: everything, after: 2 })
    clients.push(client)
  }
  for (const client of clients) {
    await using _closing = client
    await eventually(() => assert.deepEqual(seqsOf(client.changes('all')), range(3, 61)))
    assert.ok(client.has('all', 'subscribed'))
  }
})

test('says where a subscription from now on begins', async () => {
  await using web = await openWebStage()
  await web.stage.addRunner({ name: 'old' })
  await eventually(() => web.stage.store.changes.last())
  await using client = await LiveTestClient.connect(web.url)
  client.ask({ type: 'subscribe', id: 'all', topic: everything })
  await eventually(() => client.has('all', 'subscribed'))
  await web.stage.addRunner({ name: 'new' })
  await eventually(() => client.changes('all').some(({ seq }) => seq === 2))
})

test('resumes after a reconnect behind the last event it had', async () => {
  await using web = await openWebStage()
  await web.stage.addRunner({ name: 'one' })
  let last: number
  {
    await using client = await LiveTestClient.connect(web.url)
    client.ask({ type: 'subscribe', id: 'all', topic: everything, after: 0 })
    await eventually(() => client.changes('all').length === 1)
    last = client.changes('all')[0]?.seq ?? -1
  }
  await web.stage.addRunner({ name: 'two' })
  await using client = await LiveTestClient.connect(web.url)
  client.ask({ type: 'subscribe', id: 'all', topic: everything, after: last })
  await web.stage.addRunner({ name: 'three' })
  await eventually(() => assert.deepEqual(seqsOf(client.changes('all')), [2, 3]))
})

test('sends each subscription only what is of its topic', async () => {
  await using web = await openWebStage()
  await using client = await LiveTestClient.connect(web.url)
  const one = await web.stage.runJob()
  const pipelineId = one.pipeline.id
  client.ask({ type: 'subscribe', id: 'one', topic: { kind: 'pipeline', pipelineId }, after: 0 })
  client.ask({ type: 'subscribe', id: 'runners', topic: { kind: 'runners' }, after: 0 })
  await eventually(() => client.has('one', 'subscribed') && client.has('runners', 'subscribed'))
  const other = await web.stage.runJob()
  const runner = await web.stage.addRunner()
  const sample = { runnerId: runner.id, at: 5, slots: 2, busy: 1, load: 0.5, cpu: 0.25 }
  const memory = { memoryUsedBytes: 1, memoryTotalBytes: 2, diskFreeBytes: 3 }
  web.stage.tell({ type: 'runner.sampled', sample: { ...sample, ...memory } })
  await web.stage.finish(other.job)
  await web.stage.finish(one.job)
  await eventually(() => client.changes('one').length === 5)
  await eventually(() => client.events('runners').length === 2)
  for (const change of client.changes('one')) {
    if (change.type === 'pipeline.changed') assert.equal(change.pipeline.id, pipelineId)
    else assert.equal(change.type === 'job.changed' && change.job.id, one.job.id)
  }
  const types = client.events('runners').map(({ type }) => type)
  assert.deepEqual(types.toSorted(), ['runner.changed', 'runner.sampled'])
  const answer = await fetch(`${web.url}/api/v1/runners/${runner.id}/samples`)
  assert.deepEqual(await answer.json(), { samples: [{ ...sample, ...memory }] })
})

test('sends a log from the line that is wanted to its end', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  await web.stage.print(job, 0, ['a', 'b', 'c'])
  await using client = await LiveTestClient.connect(web.url)
  const topic = { kind: 'log', jobId: job.id, attempt: 1 } as const
  client.ask({ type: 'subscribe', id: 'all', topic, after: -1 })
  client.ask({ type: 'subscribe', id: 'rest', topic, after: 1 })
  client.ask({ type: 'subscribe', id: 'new', topic })
  await eventually(() => ['all', 'rest', 'new'].every((id) => client.has(id, 'subscribed')))
  await web.stage.print(job, 3, ['d'])
  await eventually(() => client.lines('new').length === 1)
  await web.stage.finish(job)
  await eventually(() => ['all', 'rest', 'new'].every((id) => client.has(id, 'end')))
  const textOf = (id: string) =>
    client
      .lines(id)
      .map(({ text }) => text)
      .join('')
  assert.deepEqual([textOf('all'), textOf('rest'), textOf('new')], ['abcd', 'cd', 'd'])
})

test('says reset when what was missed is forgotten, and when the number is of another time', async () => {
  await using web = await openWebStage()
  for (let n = 0; n < 10; n++) await web.stage.addRunner({ name: `r${n}` })
  await web.stage.write((write) => write.changes.prune(3))
  await using client = await LiveTestClient.connect(web.url)
  client.ask({ type: 'subscribe', id: 'old', topic: everything, after: 2 })
  client.ask({ type: 'subscribe', id: 'strange', topic: everything, after: 999 })
  client.ask({ type: 'subscribe', id: 'fine', topic: everything, after: 8 })
  await eventually(() => ['old', 'strange', 'fine'].every((id) => client.has(id, 'subscribed')))
  await web.stage.addRunner({ name: 'new' })
  await eventually(() => {
    assert.deepEqual(seqsOf(client.changes('old')), [11])
    assert.deepEqual(seqsOf(client.changes('strange')), [11])
    assert.deepEqual(seqsOf(client.changes('fine')), [9, 10, 11])
  })
  assert.deepEqual(
    ['old', 'strange', 'fine'].map((id) => client.has(id, 'reset')),
    [true, true, false],
  )
})

test('stops a subscription when asked', async () => {
  await using web = await openWebStage()
  await using client = await LiveTestClient.connect(web.url)
  client.ask({ type: 'subscribe', id: 'a', topic: everything, after: 0 })
  await eventually(() => client.has('a', 'subscribed'))
  client.ask({ type: 'unsubscribe', id: 'a' })
  client.ask({ type: 'subscribe', id: 'b', topic: everything, after: 0 })
  await eventually(() => client.has('b', 'subscribed'))
  await web.stage.addRunner()
  await eventually(() => client.changes('b').length === 1)
  assert.deepEqual(client.changes('a'), [])
})

test('goes on when the store is back', async () => {
  await using web = await openWebStage()
  const { store } = web.stage
  const { changes } = store
  const list = changes.list.bind(changes)
  const { NarwhalError } = await import('../lib/errors.ts')
  changes.list = () => Promise.reject(new NarwhalError('unavailable', 'away'))
  await using client = await LiveTestClient.connect(web.url)
  client.ask({ type: 'subscribe', id: 'a', topic: everything, after: 0 })
  await web.stage.addRunner()
  changes.list = list
  await eventually(() => assert.deepEqual(seqsOf(client.changes('a')), [1]))
  assert.ok(!client.has('a', 'error'))
})

test('answers messages that make no sense, and cuts off who sends nothing else', async () => {
  await using web = await openWebStage()
  await using client = await LiveTestClient.connect(web.url)
  const errors = () => client.heard.filter((response) => response.type === 'error')
  client.socket.send('{')
  client.socket.send('{"type":"dance"}')
  client.socket.send(Buffer.from([1, 2]))
  client.ask({ type: 'subscribe', id: 'x', topic: { kind: 'log', jobId: 'job_0', attempt: 1 } })
  await eventually(() => errors().length === 4)
  assert.deepEqual(
    errors().map(({ code }) => code),
    ['invalid', 'invalid', 'invalid', 'not_found'],
  )
  client.ask({ type: 'subscribe', id: 'a', topic: everything })
  client.ask({ type: 'subscribe', id: 'a', topic: everything })
  await eventually(() => client.has('a', 'subscribed') && client.has('a', 'error'))
  const closed = once(client.socket, 'close')
  for (let n = 0; n < 10; n++) client.socket.send('again')
  assert.equal((await closed)[0], 1008)
})

test('bounds the subscriptions of a connection', async () => {
  await using web = await openWebStage()
  await using client = await LiveTestClient.connect(web.url)
  for (let n = 0; n <= 100; n++) client.ask({ type: 'subscribe', id: `s${n}`, topic: everything })
  await eventually(() => client.has('s99', 'subscribed') && client.has('s100', 'error'))
  client.ask({ type: 'unsubscribe', id: 's0' })
  client.ask({ type: 'subscribe', id: 'more', topic: everything })
  await eventually(() => client.has('more', 'subscribed'))
})

test('lets pages of its own host connect, and programs, but no other pages', async () => {
  await using web = await openWebStage({ allowOrigin: (origin) => origin === 'https://ci.test' })
  for (const origin of [web.url, 'https://ci.test']) {
    await using _client = await LiveTestClient.connect(web.url, { origin })
  }
  for (const origin of ['https://evil.test', 'null', `${web.url}.evil.test`]) {
    await assert.rejects(LiveTestClient.connect(web.url, { origin }), /403/)
  }
})

test('a client that takes nothing costs a bounded amount of memory, and loses nothing', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  await using client = await LiveTestClient.connect(web.url)
  const topic = { kind: 'log', jobId: job.id, attempt: 1 } as const
  client.ask({ type: 'subscribe', id: 'log', topic, after: -1 })
  client.ask({ type: 'subscribe', id: 'all', topic: everything, after: 0 })
  await eventually(() => client.has('log', 'subscribed') && client.has('all', 'subscribed'))
  client.socket.pause()
  const text = 'x'.repeat(8_000)
  for (let n = 0; n < 40; n++) {
    await web.stage.print(job, n * 100, Array.from({ length: 100 }).fill(text) as string[])
    await web.stage.addRunner({ name: `r${n}` })
  }
  const [socket] = web.server.websocketServer.clients
  assert.ok(socket)
  // 32 MB were printed; what waits in this process is far less.
  await eventually(() => socket.bufferedAmount > 0, { message: 'the client to be behind' })
  assert.ok(socket.bufferedAmount < 10 * 1024 * 1024, `${socket.bufferedAmount} bytes wait`)
  client.socket.resume()
  await web.stage.finish(job)
  await eventually(() => client.has('log', 'end'))
  assert.deepEqual(
    client.lines('log').map(({ number }) => number),
    range(0, 4000),
  )
  const last = await web.stage.store.changes.last()
  await eventually(() => assert.deepEqual(seqsOf(client.changes('all')), range(1, last + 1)))
})

test('cuts off a client that does not answer pings', async () => {
  await using web = await openWebStage({ pingMs: 20 })
  await using deaf = await LiveTestClient.connect(web.url)
  await using client = await LiveTestClient.connect(web.url)
  deaf.socket.pause()
  const { clients } = web.server.websocketServer
  await eventually(() => clients.size === 1)
  client.ask({ type: 'subscribe', id: 'a', topic: everything })
  await eventually(() => client.has('a', 'subscribed'))
})

test('closes the connection of a token that was removed, and no other', async () => {
  await using web = await openWebStage({
    pingMs: 20,
    prepare: (server, { store }) => guardApi(server, store, { loopbackOnly: false }),
  })
  const { store } = web.stage
  const user = { id: newId('user'), name: 'Ada', role: 'viewer', createdAt: 1 } as const
  const tokens = ['phone', 'laptop'].map((name) => {
    return { id: newId('token'), name, userId: user.id, token: createToken() }
  })
  await store.transact(async (write) => {
    await write.users.insert(user)
    for (const { token, ...record } of tokens) {
      await write.tokens.insert({ ...record, hash: hashToken(token), createdAt: 1 })
    }
  })
  const connect = (token = '') =>
    LiveTestClient.connect(web.url, { authorization: `Bearer ${token}` })
  const [phone, laptop] = tokens
  await using lost = await connect(phone?.token)
  await using kept = await connect(laptop?.token)
  const closed = once(lost.socket, 'close')
  await store.transact((write) => write.tokens.remove(phone?.id ?? 'token_0'))
  const [code, reason] = (await closed) as [number, Buffer]
  assert.equal(code, SIGNED_OUT_CODE)
  assert.match(reason.toString(), /may have been removed/)
  kept.ask({ type: 'subscribe', id: 'a', topic: everything })
  await eventually(() => kept.has('a', 'subscribed'))
})
