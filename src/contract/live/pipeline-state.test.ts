import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aJob, aPipeline, aRunner } from '#root/test/support/cli/views.ts'
import { startPipelineState, withNews } from './pipeline-state.ts'

const pipeline = aPipeline()
const job = aJob('build', [])
const start = startPipelineState({ pipeline, jobs: [job], seq: 10 })

test('takes what is newer, and nothing that is older, of each subject by itself', () => {
  const ended = { ...job, status: 'finished', outcome: 'success' } as const
  const next = withNews(start, { type: 'job.changed', seq: 12, job: ended })
  assert.equal(next.jobs.get(job.id), ended)
  assert.equal(withNews(next, { type: 'job.changed', seq: 11, job }), next)
  const renamed = { ...pipeline, name: 'renamed' }
  const both = withNews(next, { type: 'pipeline.changed', seq: 11, pipeline: renamed })
  assert.equal(both.pipeline, renamed)
  assert.equal(withNews(both, { type: 'pipeline.changed', seq: 9, pipeline }), both)
})

test('a snapshot that was read before the news changes nothing', () => {
  const ended = { ...job, status: 'finished', outcome: 'success' } as const
  const next = withNews(start, { type: 'job.changed', seq: 12, job: ended })
  const late = withNews(next, { type: 'snapshot', pipeline, jobs: [job], seq: 11 })
  assert.equal(late.jobs.get(job.id), ended)
})

test('is the same object where the news is of something else', () => {
  const other = { ...job, pipelineId: 'pipeline_9' } as const
  assert.equal(withNews(start, { type: 'job.changed', seq: 12, job: other }), start)
  const elsewhere = { ...pipeline, id: 'pipeline_9' } as const
  assert.equal(withNews(start, { type: 'pipeline.changed', seq: 12, pipeline: elsewhere }), start)
  assert.equal(withNews(start, { type: 'runner.changed', seq: 12, runner: aRunner() }), start)
})

test('keeps the order of the plan, and puts jobs that come later behind', () => {
  const [second, third] = [
    { ...job, id: 'job_second' },
    { ...job, id: 'job_third' },
  ] as const
  let state = startPipelineState({ pipeline, jobs: [job, second], seq: 10 })
  state = withNews(state, { type: 'job.changed', seq: 11, job: third })
  state = withNews(state, { type: 'job.changed', seq: 12, job: { ...job, name: 'again' } })
  assert.deepEqual([...state.jobs.keys()], [job.id, 'job_second', 'job_third'])
})
