import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { describeLeaseEnd, type LeaseEnd } from '../../core/attempt/lease-end.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { LeaseClock } from './lease-clock.ts'

const HOUR_MS = 3_600_000

function clockOf(leaseMs: number): LeaseClock {
  return new LeaseClock({ leaseMs, heldMs: leaseMs, mayConfirm: () => true })
}

/** How it ends, and the message to those who wait for that. */
async function endOf(clock: LeaseClock): Promise<[LeaseEnd, string]> {
  using _watching = clock.watch()
  const end = await eventually(() => clock.end ?? null)
  return [end, NarwhalError.from(clock.over.reason).message]
}

test('a lease ends after silence, or at its first deadline', async () => {
  const silent = clockOf(1)
  const overdue = clockOf(HOUR_MS)
  overdue.endIn(HOUR_MS, 'not_cancelled')
  overdue.endIn(1, 'overdue')
  const cancelled = clockOf(HOUR_MS)
  cancelled.endIn(HOUR_MS, 'overdue')
  cancelled.endIn(1, 'not_cancelled')
  assert.deepEqual(await Promise.all([silent, overdue, cancelled].map(endOf)), [
    ['silent', 'lease expired: no heartbeat from the runner'],
    ['overdue', 'the runner did not end it by its deadline'],
    ['not_cancelled', 'the runner did not end it after it was cancelled'],
  ])
  assert.equal(silent.confirm(), false)
})

test('a lease that is confirmed has no end', () => {
  const clock = clockOf(HOUR_MS)
  assert.equal(clock.confirm(), true)
  assert.equal(clock.end, undefined)
})

test('every end has its own message', () => {
  const ends: readonly LeaseEnd[] = ['silent', 'overdue', 'not_cancelled']
  assert.equal(new Set(ends.map(describeLeaseEnd)).size, ends.length)
})
