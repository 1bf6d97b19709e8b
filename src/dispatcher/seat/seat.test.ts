import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { heartbeatsHere } from '#root/test/support/heartbeats-here.ts'
import { openTestStore } from '#root/test/support/test-store.ts'
import { silentLog } from '../../lib/log.ts'
import type { StartHeartbeats } from './heartbeats.ts'
import { Seat } from './seat.ts'

const log = silentLog()

/** A dispatcher that took its seat and was killed before its first heartbeat. */
const never: StartHeartbeats = () => ({
  isFresh: false,
  ended: new AbortController().signal,
  [Symbol.asyncDispose]: async () => {},
})

test('a seat without heartbeats is ended by another, and is notified', async () => {
  await using store = await openTestStore()
  const ended = new AbortController()
  await using silent = await Seat.take(
    { store, log, startHeartbeats: () => ({ ...never('dispatcher_x'), ended: ended.signal }) },
    () => {},
  )
  let freed = 0
  await using _other = await Seat.take(
    { store, log, startHeartbeats: heartbeatsHere(store, log) },
    () => {
      freed++
    },
  )
  await eventually(async () => (await store.dispatchers.list()).length === 1, {
    message: 'the end of the silent seat',
  })
  await eventually(() => freed > 0, { message: 'a notice that something is free' })
  const { result } = await store.transact((write) => write.dispatchers.heartbeat(silent.id))
  assert.equal(result, false)
  ended.abort()
  assert.equal(silent.isGood, false)
  assert.equal(silent.ended.aborted, true)
})

test('seats with heartbeats leave each other alone', async () => {
  await using store = await openTestStore()
  const deps = { store, log, startHeartbeats: heartbeatsHere(store, log) }
  await using one = await Seat.take(deps, () => {})
  await using two = await Seat.take(deps, () => {})
  await eventually(
    async () => (await store.dispatchers.list()).every(({ heartbeats }) => heartbeats >= 8),
    {
      message: 'more heartbeats of each than fit into a lease',
      timeoutMs: 20_000,
    },
  )
  assert.equal(one.isGood && two.isGood, true)
})

test('a seat that is given up is removed at once', async () => {
  await using store = await openTestStore()
  const seat = await Seat.take(
    { store, log, startHeartbeats: heartbeatsHere(store, log) },
    () => {},
  )
  await seat[Symbol.asyncDispose]()
  assert.deepEqual(await store.dispatchers.list(), [])
})

test('a dispatcher that is alone with its store ends all other seats', async () => {
  await using store = await openTestStore()
  await using _silent = await Seat.take({ store, log, startHeartbeats: never }, () => {})
  await using seat = await Seat.take({ store, log }, () => {})
  assert.deepEqual(
    (await store.dispatchers.list()).map(({ id }) => id),
    [seat.id],
  )
  assert.equal(seat.isGood, true)
})
