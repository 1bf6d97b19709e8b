import assert from 'node:assert/strict'
import { test } from 'node:test'
import { awaitsApproval } from './approval.ts'

const none: ReadonlySet<number> = new Set()
const stranger = { stranger: 'other_repository', actorId: 8 } as const

test('a newcomer waits, and one of whom something was merged does not', () => {
  const waits = (merged: ReadonlySet<number>, trust: Parameters<typeof awaitsApproval>[0]) =>
    awaitsApproval(trust, 'first-time-contributors', merged)
  assert.equal(waits(none, stranger), true)
  assert.equal(waits(new Set([9]), stranger), true)
  assert.equal(waits(new Set([8]), stranger), false)
  // Whose it is, is not known.
  assert.equal(waits(new Set([8]), { stranger: 'polled_request' }), true)
  // Somebody else has brought it: both count.
  assert.equal(waits(new Set([8]), { ...stranger, senderId: 9 }), true)
  assert.equal(waits(new Set([8, 9]), { ...stranger, senderId: 9 }), false)
  assert.equal(waits(none, { actorId: 8 }), false)
})

test('a repository may have all strangers wait, or nobody', () => {
  assert.equal(awaitsApproval(stranger, 'all-strangers', new Set([8])), true)
  assert.equal(awaitsApproval({ actorId: 8 }, 'all-strangers', none), false)
  assert.equal(awaitsApproval(stranger, 'nobody', none), false)
})
