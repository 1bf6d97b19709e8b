import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grantsOf } from './grants.ts'

const attached = {
  id: 'runner_1',
  link: { kind: 'attached', identityHash: 'a' },
  labels: ['gpu', 'big'],
} as const

test('a label that a runner says by itself opens no secret', () => {
  assert.deepEqual(grantsOf(attached, undefined), ['runner_1'])
  assert.deepEqual(grantsOf(attached, ['gpu', 'other']), ['runner_1', 'label:gpu'])
})

test('the runner in the server’s own process is the server', () => {
  const own = { ...attached, link: { kind: 'in-process' } } as const
  assert.deepEqual(grantsOf(own, undefined), ['runner_1', 'label:gpu', 'label:big'])
})
