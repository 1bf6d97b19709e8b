import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PipelineDraft } from './advance-pipeline.ts'
import { endPipeline, withAssignment, withCancel, withFailedRerun, withRerun } from './commands.ts'
import { aJob, anAttempt, aPipeline } from './fixtures.ts'

const CANCEL = { reason: 'by hand', at: 9 }
const ASKED = { at: 20, askedBy: 'ada' }
const PLACE = { decision: anAttempt().decision, at: 5 }
const PENDING = aPipeline({ state: { status: 'pending' } })

function draft(...jobs: readonly ReturnType<typeof aJob>[]): PipelineDraft {
  return { pipeline: aPipeline(), jobs }
}

function states({ jobs }: PipelineDraft): string[] {
  return jobs.map(({ state }) => (state.status === 'finished' ? state.outcome : state.status))
}

test('a pipeline that is not planned yet ends with the cancel, and says why', () => {
  const { state } = withCancel({ pipeline: PENDING, jobs: [] }, CANCEL).pipeline
  assert.deepEqual(state, {
    status: 'finished',
    outcome: 'cancelled',
    reason: 'by hand',
    finishedAt: 9,
  })
})

test('a cancel ends all jobs that have not ended, or the one that was named', () => {
  const jobs = [aJob({ name: 'a' }), aJob({ name: 'b' })]
  const all = withCancel(draft(...jobs), CANCEL)
  assert.deepEqual(states(all), ['cancelled', 'cancelled'])
  assert.equal(all.pipeline.state.status, 'finished')
  const one = withCancel(draft(...jobs), { ...CANCEL, only: 'job_b' })
  assert.deepEqual(states(one), ['queued', 'cancelled'])
  assert.equal(one.pipeline.state.status, 'running')
})

test('what has ended is not cancelled, and stays the very same', () => {
  const ended = withCancel(draft(aJob({ name: 'a' })), CANCEL)
  assert.equal(withCancel(ended, { reason: 'again', at: 10 }), ended)
})

test('a pipeline that was held back says why it was cancelled, since no job of it does', () => {
  const approval = { status: 'needed', for: 'run' } as const
  const blocked = aJob({ name: 'a' }, { state: { status: 'blocked', attempt: 1 } })
  const { state } = withCancel(
    { pipeline: aPipeline({ approval }), jobs: [blocked] },
    CANCEL,
  ).pipeline
  assert.equal(state.status === 'finished' && state.reason, 'by hand')
})

test('one job runs again once it has ended, with its pipeline, and not before', () => {
  const waits = draft(aJob({ name: 'a' }))
  assert.equal(withRerun(waits, 'job_a', ASKED), waits)
  assert.equal(withRerun(waits, 'job_none', ASKED), waits)
  const end = { status: 'finished', attempt: 1, outcome: 'success', finishedAt: 9 } as const
  const before = draft(aJob({ name: 'a' }), aJob({ name: 'b', needs: ['a'] }, { state: end }))
  assert.equal(withRerun(before, 'job_a', ASKED), before)
  const again = withRerun(withCancel(waits, CANCEL), 'job_a', ASKED)
  assert.deepEqual(again.jobs[0]?.state, {
    status: 'queued',
    attempt: 2,
    since: 2,
    askedBy: 'ada',
    queuedAt: 20,
  })
  assert.deepEqual(again.pipeline.state, { status: 'running', startedAt: 20 })
})

test('what has failed runs again, and what has not stays', () => {
  const end = { status: 'finished', attempt: 1, finishedAt: 9 } as const
  const good = aJob({ name: 'good' }, { state: { ...end, outcome: 'success' } })
  const bad = aJob({ name: 'bad' }, { state: { ...end, outcome: 'failure' } })
  const behind = aJob({ name: 'behind', needs: ['bad'] }, { state: { ...end, outcome: 'skipped' } })
  assert.deepEqual(states(withFailedRerun(draft(good, bad, behind), ASKED)), [
    'success',
    'queued',
    'blocked',
  ])
  const fine = draft(good)
  assert.equal(withFailedRerun(fine, ASKED), fine)
})

test('a job that waits is given away with the next fencing token, and to nobody a second time', () => {
  const given = withAssignment(draft(aJob({ name: 'a' }, { fence: 3 })), 'job_a', PLACE)
  const [job] = given.jobs
  assert.deepEqual([job?.state.status, job?.fence, job?.attempts[0]?.fence], ['assigned', 4, 4])
  assert.equal(withAssignment(given, 'job_a', PLACE), given)
  assert.equal(withAssignment(given, 'job_none', PLACE), given)
})

test('nothing is given away of a pipeline that waits for approval', () => {
  const approval = { status: 'needed', for: 'run' } as const
  const held = { pipeline: aPipeline({ approval }), jobs: [aJob({ name: 'a' })] }
  assert.equal(withAssignment(held, 'job_a', PLACE), held)
})

test('a pipeline that ran no job has an end and no start', () => {
  assert.deepEqual(endPipeline(PENDING, { outcome: 'error', reason: 'no runner' }, 7).state, {
    status: 'finished',
    outcome: 'error',
    reason: 'no runner',
    finishedAt: 7,
  })
})
