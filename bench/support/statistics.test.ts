import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quantile, spreadOf, uncovered } from './statistics.ts'

test('a quantile lies between its two neighbours', () => {
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5)
  assert.equal(quantile([1, 2, 3], 0.5), 2)
  assert.equal(quantile([1, 2, 3], 1), 3)
  assert.equal(quantile([7], 0.95), 7)
  assert.throws(() => quantile([], 0.5), RangeError)
})

test('the spread does not depend on the order', () => {
  assert.deepEqual(spreadOf([5, 1, 4, 2, 3]), { count: 5, p25: 2, p50: 3, p75: 4, p95: 4.8 })
})

test('time that two parts share is counted once', () => {
  const whole = { from: 0, to: 100 }
  const parts = [
    { from: 40, to: 60 },
    { from: 10, to: 30 },
    { from: 20, to: 50 },
  ]
  assert.equal(uncovered(whole, parts), 50)
  assert.equal(uncovered(whole, [{ from: -5, to: 120 }]), 0)
  assert.equal(uncovered(whole, [{ from: 110, to: 120 }]), 100)
  assert.equal(uncovered(whole, []), 100)
})
