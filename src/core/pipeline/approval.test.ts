import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isApproved, isHeldBack } from './approval.ts'

test('a pipeline is held back until somebody has approved that it is run', () => {
  assert.ok(!isHeldBack({}))
  assert.ok(isHeldBack({ approval: { status: 'needed', for: 'run' } }))
  // Its jobs ended for want of their secrets: the others went on.
  assert.ok(!isHeldBack({ approval: { status: 'needed', since: 5 } }))
  assert.ok(!isHeldBack({ approval: { status: 'given', at: 7 } }))
})

test('strangers’ jobs need an approval that was given, and nobody else’s do', () => {
  const stranger = { stranger: 'other_repository' } as const
  assert.ok(isApproved({}, undefined))
  assert.ok(!isApproved(stranger, undefined))
  assert.ok(!isApproved(stranger, { status: 'needed', for: 'run' }))
  assert.ok(isApproved(stranger, { status: 'given', at: 7 }))
})
