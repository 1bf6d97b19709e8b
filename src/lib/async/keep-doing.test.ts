import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { keepDoing } from './keep-doing.ts'

const LONG_MS = 1_000_000

test('runs at once and again, also after a failure, which is reported', async () => {
  let times = 0
  const told: unknown[] = []
  await using _ = keepDoing({
    everyMs: 1,
    work: async () => {
      if (++times === 1) throw new Error('the first time')
    },
    onError: (error) => told.push(error),
  })
  assert.equal(times, 1)
  await eventually(() => times > 3)
  assert.equal(String(told), 'Error: the first time')
})

test('has delays of its own before the first run and after a failure', async () => {
  let times = 0
  const work = async (): Promise<void> => {
    times++
    throw new Error('no')
  }
  await using later = keepDoing({ everyMs: 1, firstMs: LONG_MS, work, onError: () => {} })
  assert.equal(times, 0)
  await later[Symbol.asyncDispose]()
  assert.equal(times, 0)
  await using _ = keepDoing({ everyMs: LONG_MS, retryMs: 1, work, onError: () => {} })
  await eventually(() => times > 2)
})

test('aborts the run in progress, waits for it, and does not report that', async () => {
  const told: unknown[] = []
  let hasEnded = false
  const doing = keepDoing({
    everyMs: 1,
    work: async (signal) => {
      await once(signal, 'abort')
      await new Promise((resolve) => void setImmediate(resolve))
      hasEnded = true
      throw signal.reason
    },
    onError: (error) => told.push(error),
  })
  await doing[Symbol.asyncDispose]()
  assert.ok(hasEnded)
  assert.deepEqual(told, [])
})
