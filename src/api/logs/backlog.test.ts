import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backlog } from './backlog.ts'

const never = new AbortController().signal

test('hands out what waits, once', () => {
  const backlog = new Backlog<string>(10)
  backlog.push('a', 1)
  backlog.push('b', 1)
  assert.deepEqual(backlog.take(), { items: ['a', 'b'], missed: false })
  assert.deepEqual(backlog.take(), { items: [], missed: false })
})

test('forgets everything past its capacity and says so until asked', () => {
  const backlog = new Backlog<string>(2)
  for (const item of ['a', 'b', 'c', 'd']) backlog.push(item, 1)
  assert.deepEqual(backlog.take(), { items: [], missed: true })
  backlog.push('e', 1)
  assert.deepEqual(backlog.take(), { items: ['e'], missed: false })
})

test('wakes a reader that waits, and one that comes late does not wait', async () => {
  const backlog = new Backlog<string>(2)
  const woken = backlog.wait(never, 60_000)
  backlog.push('a', 1)
  assert.equal(await woken, true)
  assert.equal(await backlog.wait(never, 60_000), true)
})

test('gives up after the time, or when told', async () => {
  const backlog = new Backlog<string>(2)
  assert.equal(await backlog.wait(never, 1), false)
  const leaving = new AbortController()
  const waiting = backlog.wait(leaving.signal, 60_000)
  leaving.abort()
  assert.equal(await waiting, false)
  assert.equal(await backlog.wait(leaving.signal, 60_000), false)
})
