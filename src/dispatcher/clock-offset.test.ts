import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clockOffset } from './clock-offset.ts'

test('clocks that agree are not moved, however long the message took', () => {
  assert.equal(clockOffset(1_000, { openedAt: 1_000, arrivedAt: 1_000 }), 0)
  assert.equal(clockOffset(1_010, { openedAt: 1_000, arrivedAt: 1_500 }), 0)
})

test('a clock that is off is moved by the least that explains it', () => {
  assert.equal(clockOffset(61_020, { openedAt: 1_000, arrivedAt: 1_040 }), -59_980)
  assert.equal(clockOffset(-58_980, { openedAt: 1_000, arrivedAt: 1_040 }), 59_980)
})
