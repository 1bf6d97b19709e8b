import assert from 'node:assert/strict'
import { test } from 'node:test'
import { labelsOf, runnerState } from './runner-state.ts'

const WORKS = { draining: false }
const DRAINS = { draining: true }

test('a runner of whom nobody is heard is offline, whatever is wanted of it', () => {
  assert.equal(runnerState([], { draining: true, asideReason: 'no disk' }), 'offline')
})

test('one that failed too often is set aside, also while it drains', () => {
  assert.equal(runnerState([WORKS], { draining: true, asideReason: 'no disk' }), 'set_aside')
})

test('it drains when somebody wants that, or when all behind its link do', () => {
  assert.equal(runnerState([WORKS, WORKS], { draining: true }), 'draining')
  assert.equal(runnerState([DRAINS, DRAINS], { draining: false }), 'draining')
  assert.equal(runnerState([DRAINS, WORKS], { draining: false }), 'online')
})

test('labels are those that were granted, or all that it says where nobody chose', () => {
  assert.deepEqual(labelsOf(['gpu', 'big'], { allowedLabels: ['gpu', 'other'] }), ['gpu'])
  assert.deepEqual(labelsOf(['gpu', 'big'], { allowedLabels: [] }), [])
  assert.deepEqual(labelsOf(['gpu', 'big'], {}), ['gpu', 'big'])
})

test('a runner has a hundred labels at most, and none that nobody could read', () => {
  const many = Array.from({ length: 150 }, (_, n) => `label-${n}`)
  assert.deepEqual(labelsOf(many, {}), many.slice(0, 100))
  assert.deepEqual(labelsOf(['x'.repeat(100), 'x'.repeat(101)], {}), ['x'.repeat(100)])
})
