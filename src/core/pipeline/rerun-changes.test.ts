import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../outcome.ts'
import { aJob } from './fixtures.ts'
import { failedJobs, rerunChanges } from './rerun-changes.ts'

function ended(name: string, outcome: Outcome, needs: string[] = []) {
  return aJob(
    { name, needs },
    { state: { status: 'finished', attempt: 1, outcome, finishedAt: 9 } },
  )
}

test('what failed is all that ended otherwise than in success, and not because of another one', () => {
  const outcomes = ['success', 'failure', 'error', 'timeout', 'cancelled', 'skipped'] as const
  const jobs = [...outcomes.map((outcome) => ended(outcome, outcome)), aJob({ name: 'waits' })]
  const names = failedJobs(jobs).map(({ spec }) => spec.name)
  assert.deepEqual(names, ['failure', 'error', 'timeout', 'cancelled'])
})

test('a job that was left out has not failed', () => {
  const job = ended('a', 'error')
  const leftOut = { ...job, spec: { ...job.spec, leftOut: 'nobody asked for it' } }
  assert.deepEqual(failedJobs([leftOut]), [])
})

test('a job runs again with all that needs it, however far behind, and nothing else', () => {
  const jobs = [
    ended('before', 'success'),
    ended('a', 'failure', ['before']),
    ended('b', 'skipped', ['a']),
    ended('c', 'skipped', ['b']),
    ended('beside', 'success', ['before']),
  ]
  const changes = rerunChanges(jobs, failedJobs(jobs), { at: 20, askedBy: 'ada' })
  assert.deepEqual(
    changes.map(({ jobId }) => jobId),
    ['job_a', 'job_b', 'job_c'],
  )
  // Each waits for what it needs, which may run again itself.
  const event = { type: 'rerun', blocked: true, askedBy: 'ada', at: 20 }
  assert.ok(changes.every((change) => assert.deepEqual(change.event, event) === undefined))
})

test('nobody is named where nobody with a name asked', () => {
  const job = ended('a', 'failure')
  const [change] = rerunChanges([job], [job], { at: 20, askedBy: undefined })
  assert.deepEqual(change?.event, { type: 'rerun', blocked: true, at: 20 })
})
