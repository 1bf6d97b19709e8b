import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../../lib/log.ts'
import { ReadyPool } from './ready-pool.ts'

test('gives the one that is being made to the next taker, and makes others as they are asked for', async () => {
  const stage = openStage()
  stage.pool.begin()
  stage.pool.begin()
  assert.deepEqual(await Promise.all([stage.pool.take(), stage.pool.take()]), [1, 2])
  await stage.pool[Symbol.asyncDispose]()
  assert.deepEqual(stage.discarded, [])
})

test('discards one that nobody took', async () => {
  const stage = openStage()
  stage.pool.begin()
  await stage.pool[Symbol.asyncDispose]()
  assert.deepEqual(stage.discarded, [1])
})

test('makes another for the taker if the one that was begun has failed', async () => {
  const stage = openStage(1)
  stage.pool.begin()
  assert.equal(await stage.pool.take(), 2)
  await stage.pool[Symbol.asyncDispose]()
})

function openStage(failing?: number) {
  let made = 0
  const discarded: number[] = []
  const pool = new ReadyPool<number>({
    size: 0,
    make: async () => {
      const number = ++made
      if (number === failing) throw new Error('no network')
      return number
    },
    discard: async (item) => void discarded.push(item),
    log: silentLog(),
  })
  return { pool, discarded }
}
