import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Attempt, resultOf } from '../attempt/attempt.ts'
import type { JobId, RunnerId } from '../ids.ts'
import type { Job } from '../job/job.ts'
import { advancePipeline, type PipelineDraft } from './advance-pipeline.ts'
import { aJob, anAttempt, aPipeline } from './fixtures.ts'

const RUNNER: RunnerId = 'runner_1'
const pipeline = aPipeline()

function job(name: string, needs: string[] = []): Job {
  return aJob({ name, needs })
}

function attempt(fence: number): Attempt {
  const steps = [
    { name: 's', status: 'running', startedAt: 3 },
    { name: 't', status: 'waiting' },
  ] as const
  return anAttempt({ fence, steps })
}

function assigned(draft: PipelineDraft, jobId: JobId, fence: number): PipelineDraft {
  const event = { type: 'assigned', runnerId: RUNNER, fence, at: 2 } as const
  return advancePipeline(draft, [{ jobId, fence, event, attempt: attempt(fence) }], 2)
}

function finish(draft: PipelineDraft, jobId: JobId, outcome: 'success' | 'failure'): PipelineDraft {
  const event = { type: 'finished', outcome, attempt: 1, fence: 1, at: 9 } as const
  return advancePipeline(draft, [{ jobId, event }], 9)
}

test('a change that does not apply returns the very draft', () => {
  const draft = { pipeline, jobs: [job('a')] }
  assert.equal(finish(draft, 'job_a', 'success'), draft)
})

test('the end of a job readies what needs it, in the same step', () => {
  const draft = assigned({ pipeline, jobs: [job('a'), job('b', ['a'])] }, 'job_a', 1)
  const next = finish(draft, 'job_a', 'success')
  assert.equal(next.jobs[1]?.state.status, 'queued')
  assert.equal(next.pipeline, pipeline)
})

test('a failure skips the whole chain behind it and ends the pipeline', () => {
  const jobs = [job('a'), job('b', ['a']), job('c', ['b'])]
  const next = finish(assigned({ pipeline, jobs }, 'job_a', 1), 'job_a', 'failure')
  const outcomes = next.jobs.map(({ state }) => state.status === 'finished' && state.outcome)
  assert.deepEqual(outcomes, ['failure', 'skipped', 'skipped'])
  assert.deepEqual(next.pipeline.state, {
    status: 'finished',
    outcome: 'failure',
    startedAt: 1,
    finishedAt: 9,
  })
})

test('a cancel ends the attempt and its steps with the job', () => {
  const draft = assigned({ pipeline, jobs: [job('a')] }, 'job_a', 1)
  const event = { type: 'cancelled', reason: 'by hand', at: 9 } as const
  const next = advancePipeline(draft, [{ jobId: 'job_a', event }], 9)
  const [ended] = next.jobs[0]?.attempts ?? []
  assert.equal(ended && resultOf(ended)?.outcome, 'cancelled')
  assert.deepEqual(
    ended?.steps.map((step) => step.status === 'finished' && step.outcome),
    ['cancelled', 'skipped'],
  )
})

test('a lost attempt ends in error and the job waits with the next', () => {
  const draft = assigned({ pipeline, jobs: [job('a')] }, 'job_a', 1)
  const event = { type: 'lost', reason: 'runner lost', attempt: 1, fence: 1, at: 9 } as const
  const next = advancePipeline(draft, [{ jobId: 'job_a', event }], 9)
  assert.deepEqual(next.jobs[0]?.state, { status: 'queued', attempt: 2, queuedAt: 9 })
  const [lost] = next.jobs[0]?.attempts ?? []
  assert.equal(lost && resultOf(lost)?.outcome, 'error')
  assert.equal(lost && resultOf(lost)?.reason, 'runner lost')
})

test('a stale report changes nothing, not even the attempt that comes with it', () => {
  const draft = assigned({ pipeline, jobs: [job('a')] }, 'job_a', 2)
  const event = { type: 'finished', outcome: 'success', attempt: 1, fence: 1, at: 9 } as const
  const stale = { ...attempt(1), lines: 99 }
  assert.equal(advancePipeline(draft, [{ jobId: 'job_a', event, attempt: stale }], 9), draft)
})

test('a job that runs again makes the pipeline run again', () => {
  const done = finish(assigned({ pipeline, jobs: [job('a')] }, 'job_a', 1), 'job_a', 'failure')
  const event = { type: 'rerun', blocked: false, at: 20 } as const
  const next = advancePipeline(done, [{ jobId: 'job_a', event }], 20)
  assert.deepEqual(next.pipeline.state, { status: 'running', startedAt: 20 })
})
