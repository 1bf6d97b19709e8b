import assert from 'node:assert/strict'
import { test } from 'node:test'
import { every } from './every.ts'

/** Lets everything continue that is ready to. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('runs at a fixed rate, never concurrently', async ({ mock }) => {
  mock.timers.enable({ apis: ['setInterval'] })
  const turns: PromiseWithResolvers<void>[] = []
  const work = () => {
    const turn = Promise.withResolvers<void>()
    turns.push(turn)
    return turn.promise
  }
  const looks = every(100, work, () => assert.fail('nothing fails'))
  assert.equal(turns.length, 0)
  mock.timers.tick(100)
  mock.timers.tick(100)
  assert.equal(turns.length, 1)
  turns[0]?.resolve()
  await settle()
  mock.timers.tick(100)
  assert.equal(turns.length, 2)
  turns[1]?.resolve()
  await looks[Symbol.asyncDispose]()
})

test('reports a failure, and runs again at the next tick', async ({ mock }) => {
  mock.timers.enable({ apis: ['setInterval'] })
  const errors: unknown[] = []
  const work = async () => {
    throw new Error(`turn ${errors.length + 1}`)
  }
  await using _ = every(100, work, (error) => errors.push(error))
  for (let turn = 0; turn < 2; turn++) {
    mock.timers.tick(100)
    await settle()
  }
  assert.deepEqual(errors.map(String), ['Error: turn 1', 'Error: turn 2'])
})

test('disposal waits for the run in progress, and no run follows', async ({ mock }) => {
  mock.timers.enable({ apis: ['setInterval'] })
  const { promise, resolve } = Promise.withResolvers<void>()
  const said: string[] = []
  const work = async () => {
    said.push('begun')
    await promise
    said.push('ended')
  }
  const looks = every(100, work, () => assert.fail('nothing fails'))
  mock.timers.tick(100)
  const disposed = looks[Symbol.asyncDispose]()
  resolve()
  await disposed
  mock.timers.tick(1_000)
  assert.deepEqual(said, ['begun', 'ended'])
})
