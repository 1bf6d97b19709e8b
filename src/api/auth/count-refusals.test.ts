import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestStore } from '#root/test/support/test-store.ts'
import { openMetrics } from '../../http/metrics.ts'
import { createHttpServer } from '../../http/server.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { silentLog } from '../../lib/log.ts'
import type { Store } from '../../store/store.ts'
import { countRefusals } from './count-refusals.ts'

async function openServer(store: Store) {
  const log = silentLog()
  const ready = async (): Promise<void> => {}
  const server = await createHttpServer({ log, metrics: openMetrics(), ready, version: 'test' })
  countRefusals(server, { store, log })
  server.get('/closed/:word', async () => {
    throw new NarwhalError('unauthenticated', 'no')
  })
  server.get('/over', async (request) => {
    request.refusedJoinToken = 'join_1'
    throw new NarwhalError('unauthenticated', 'no')
  })
  server.get('/barred', async () => {
    throw new NarwhalError('forbidden', 'no')
  })
  server.get('/open', async () => ({}))
  return server
}

test('AUD-04: a thousand refused requests leave one entry that counts them, and nothing of what they said', async () => {
  await using store = await openTestStore()
  const server = await openServer(store)
  for (let n = 0; n < 10; n++) {
    const asked = Array.from({ length: 100 }, async (_, i) => {
      const url = `/closed/canary-${n}-${i}`
      return await server.inject({ url, headers: { authorization: 'Bearer canary' } })
    })
    await Promise.all(asked)
  }
  await server.inject({ url: '/barred' })
  await server.inject({ url: '/open' })
  await server.close()
  const { entries } = await store.audit.list({ limit: 100 })
  const told = entries.map(({ action, address, after }) => [
    action,
    address,
    after?.['status'],
    after?.['attempts'],
  ])
  assert.deepEqual(
    told.toSorted((one, other) => Number(one[2]) - Number(other[2])),
    [
      ['access.refused', '127.0.0.1', 401, 1000],
      ['access.refused', '127.0.0.1', 403, 1],
    ],
  )
  assert.doesNotMatch(JSON.stringify(entries), /canary/)
})

test('AUD-05: refused requests from ever more addresses leave a bounded number of entries', async () => {
  await using store = await openTestStore()
  const server = await openServer(store)
  for (let n = 0; n < 1000; n++) {
    const remoteAddress = `10.0.${n >> 8}.${n & 255}`
    await server.inject({ url: '/closed/x', remoteAddress })
  }
  await server.close()
  const { entries } = await store.audit.list({ limit: 500 })
  assert.equal(entries.length, 101)
  const attempts = entries.map(({ after }) => Number(after?.['attempts']))
  assert.equal(
    attempts.reduce((sum, one) => sum + one),
    1000,
  )
  assert.equal(entries.filter(({ address }) => address === 'others').length, 1)
})

test('AUD-20: refusals of a join token that is over are counted by it', async () => {
  await using store = await openTestStore()
  const server = await openServer(store)
  for (let n = 0; n < 3; n++) await server.inject({ url: '/over' })
  await server.inject({ url: '/closed/x' })
  await server.close()
  const { entries } = await store.audit.list({ limit: 10 })
  const told = entries.map(({ after }) => [after?.['joinToken'], after?.['attempts']].join(' '))
  assert.deepEqual(new Set(told), new Set(['join_1 3', ' 1']))
})
