import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './eventually.ts'

test('resolves to the first answer that is neither false nor null', async () => {
  let calls = 0
  const answer = await eventually(() => (++calls < 3 ? null : `call ${calls}`))
  assert.equal(answer, 'call 3')
})

test('resolves once assertions no longer throw', async () => {
  let calls = 0
  await eventually(async () => {
    calls++
    assert.ok(calls > 2)
  })
  assert.equal(calls, 3)
})

test('rethrows the last assertion error on timeout', async () => {
  let calls = 0
  await assert.rejects(
    eventually(() => assert.equal(++calls, 0), { timeoutMs: 20 }),
    (error: assert.AssertionError) => error.actual === calls && error.expected === 0,
  )
})

test('says what it waited for on timeout', async () => {
  const waiting = eventually(() => false, { timeoutMs: 1, message: 'the second coming' })
  await assert.rejects(waiting, /waited 1 ms in vain for the second coming/)
})
