import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aJob, aLine, anAttempt, aPipeline, aRunner, aStep } from '#root/test/support/cli/views.ts'
import { failedSteps, reducePipeline, startModel, TAIL_LINES, tailOf } from './pipeline-model.ts'

const STEPS = [aStep(0, 'install'), aStep(1, 'test')]
const JOB = aJob('build', STEPS)
const START = startModel({ pipeline: aPipeline(), jobs: [JOB], seq: 10 })

function lines(from: number, count: number, step = 0) {
  return Array.from({ length: count }, (_, index) =>
    aLine(from + index, step, `line ${from + index}`),
  )
}

test('takes each newer state and ignores an older one', () => {
  const finished = { ...JOB, status: 'finished', outcome: 'success' } as const
  const next = reducePipeline(START, { type: 'job.changed', seq: 12, job: finished })
  assert.equal(next.jobs.get(JOB.id)?.outcome, 'success')
  assert.equal(reducePipeline(next, { type: 'job.changed', seq: 11, job: JOB }), next)
  const late = { pipeline: aPipeline(), jobs: [JOB], seq: 11 }
  const same = reducePipeline(next, { type: 'snapshot', ...late })
  assert.equal(same.jobs.get(JOB.id)?.outcome, 'success')
})

test('ignores other pipelines and runners', () => {
  const other = { ...JOB, pipelineId: 'pipeline_2' } as const
  assert.equal(reducePipeline(START, { type: 'job.changed', seq: 12, job: other }), START)
  assert.equal(reducePipeline(START, { type: 'runner.changed', seq: 13, runner: aRunner() }), START)
})

test('keeps the last lines of each step, each once', () => {
  const append = { type: 'log.appended', jobId: JOB.id, attempt: 1 } as const
  let model = reducePipeline(START, { ...append, lines: lines(0, 15) })
  model = reducePipeline(model, { ...append, lines: lines(10, 15) })
  model = reducePipeline(model, { ...append, lines: lines(25, 2, 1) })
  assert.deepEqual(tailOf(model, JOB, 0), lines(5, TAIL_LINES))
  assert.deepEqual(tailOf(model, JOB, 1), lines(25, 2, 1))
  assert.equal(reducePipeline(model, { ...append, lines: lines(0, 27) }), model)
})

test('begins a new log with a new attempt, and forgets the old one', () => {
  const append = { type: 'log.appended', jobId: JOB.id } as const
  let model = reducePipeline(START, { ...append, attempt: 2, lines: lines(0, 1) })
  assert.equal(reducePipeline(model, { ...append, attempt: 1, lines: lines(0, 9) }), model)
  const again = {
    ...JOB,
    attempt: 2,
    attempts: [anAttempt(STEPS), anAttempt(STEPS, { number: 2 })],
  }
  model = reducePipeline(model, { type: 'job.changed', seq: 20, job: again })
  assert.deepEqual(tailOf(model, again, 0), lines(0, 1))
  assert.deepEqual(tailOf(model, JOB, 0), [])
})

test('names the steps that failed, with the ends of their logs', () => {
  const steps = [
    aStep(0, 'install', { status: 'finished', outcome: 'success' }),
    aStep(1, 'test', { status: 'finished', outcome: 'failure', exitCode: 1 }),
    aStep(2, 'ship', { status: 'finished', outcome: 'skipped' }),
  ]
  const job = aJob('build', steps)
  let model = reducePipeline(START, { type: 'job.changed', seq: 11, job })
  model = reducePipeline(model, {
    type: 'log.appended',
    jobId: job.id,
    attempt: 1,
    lines: [aLine(0, 0, 'ok'), aLine(1, 1, 'boom')],
  })
  assert.deepEqual(
    failedSteps(model).map(({ step, tail }) => [step.name, tail.map((line) => line.text)]),
    [['test', ['boom']]],
  )
})
