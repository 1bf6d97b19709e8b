import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../outcome.ts'
import { aJob, anAttempt } from '../pipeline/fixtures.ts'
import { retryRights, timeoutOf } from './job-limits.ts'

test('a job runs as long as it asks for, and never longer than the operator says', () => {
  const asked = aJob({ name: 'a', timeoutMs: 100 })
  assert.deepEqual(
    [timeoutOf(asked, 0), timeoutOf(asked, 50), timeoutOf(asked, 200)],
    [100, 50, 100],
  )
  assert.deepEqual([timeoutOf(aJob({ name: 'b' }), 0), timeoutOf(aJob({ name: 'b' }), 50)], [0, 50])
})

function tried(outcomes: readonly Outcome[], since?: number) {
  const attempts = outcomes.map((outcome, index) =>
    anAttempt({ number: index + 1 }, { status: 'finished', outcome, finishedAt: 9 }),
  )
  const attempt = outcomes.length + 1
  return aJob(
    { name: 'a', retry: { count: 2, on: ['failure', 'timeout'] } },
    {
      state: { status: 'queued', attempt, queuedAt: 1, ...(since === undefined ? {} : { since }) },
      attempts: [...attempts, anAttempt({ number: attempt })],
    },
  )
}

test('a job is tried again for as long as its file has tries left', () => {
  const on = ['failure', 'timeout']
  assert.deepEqual(retryRights(tried([]), 1, 3).retryOn, on)
  assert.deepEqual(retryRights(tried(['failure']), 2, 3).retryOn, on)
  assert.deepEqual(retryRights(tried(['failure', 'timeout']), 3, 3).retryOn, [])
})

test('an outcome that the file does not name uses up no try', () => {
  assert.deepEqual(retryRights(tried(['error', 'failure']), 3, 3).retryOn, ['failure', 'timeout'])
})

test('the counts begin anew when a person runs the job again', () => {
  const again = tried(['failure', 'failure', 'failure'], 4)
  assert.deepEqual(retryRights(again, 4, 3), { maxAttempts: 6, retryOn: ['failure', 'timeout'] })
})

test('a job whose file says nothing is not tried again for an end of its own', () => {
  assert.deepEqual(retryRights(aJob({ name: 'a' }), 1, 3), { maxAttempts: 3, retryOn: [] })
})
