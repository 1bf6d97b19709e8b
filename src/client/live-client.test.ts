import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeNarwhal } from '#root/test/support/cli/fake-narwhal.ts'
import { aPipeline } from '#root/test/support/cli/views.ts'
import { eventually } from '#root/test/support/eventually.ts'
import { freePort } from '#root/test/support/free-port.ts'
import { LiveClient } from './live-client.ts'

const signal = new AbortController().signal

test('hands over every change once, in order, through lost connections', async () => {
  await using fake = await fakeNarwhal()
  await using live = new LiveClient({ server: fake.url }, { signal })
  const seen: number[] = []
  live.subscribe({ kind: 'everything' }, undefined, {
    onEvent: (event) => 'seq' in event && seen.push(event.seq),
  })
  await eventually(() => fake.topics.length === 1)
  for (let index = 1; index <= 30; index += 1) {
    fake.change(aPipeline({ number: index }))
    if (index % 10 === 0) {
      await eventually(() => seen.length > 0)
      fake.drop()
    }
  }
  await eventually(() => seen.length === 30)
  assert.deepEqual(
    seen,
    Array.from({ length: 30 }, (_, index) => 101 + index),
  )
})

test('says nothing more to a subscriber that has gone', async () => {
  await using fake = await fakeNarwhal()
  await using live = new LiveClient({ server: fake.url }, { signal })
  const seen: string[] = []
  const first = live.subscribe({ kind: 'everything' }, undefined, {
    onEvent: () => seen.push('first'),
  })
  live.subscribe({ kind: 'everything' }, undefined, { onEvent: () => seen.push('second') })
  await eventually(() => fake.topics.length === 2)
  first[Symbol.dispose]()
  fake.change(aPipeline())
  await eventually(() => seen.length > 0)
  assert.deepEqual(seen, ['second'])
})

test('gives up when nothing answers for too long, and at once when it is refused', async () => {
  const server = `http://127.0.0.1:${await freePort()}`
  await using away = new LiveClient({ server }, { signal, patienceMs: 1 })
  await assert.rejects(away.failed, { code: 'unavailable', message: /can't reach Narwhal/ })
  await using fake = await fakeNarwhal()
  fake.token = 'nwl_right'
  await using refused = new LiveClient({ server: fake.url, token: 'nwl_wrong' }, { signal })
  await assert.rejects(refused.failed, { code: 'unauthenticated' })
  await using allowed = new LiveClient({ server: fake.url, token: 'nwl_right' }, { signal })
  allowed.subscribe({ kind: 'everything' }, undefined, { onEvent: () => {} })
  await eventually(() => fake.topics.length === 1)
})
