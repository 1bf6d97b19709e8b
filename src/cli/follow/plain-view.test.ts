import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordedIo } from '#root/test/support/cli/recorded-io.ts'
import { aJob, aLine, anAttempt, aPipeline, aStep, NOON } from '#root/test/support/cli/views.ts'
import type { JobView, StepView } from '../../contract/rest/views.ts'
import { lookOf } from './follow-pipeline.ts'
import { type ModelEvent, reducePipeline, startModel } from './pipeline-model.ts'
import { PlainView } from './plain-view.ts'

function openView(job: JobView) {
  const written: string[] = []
  const view = new PlainView(lookOf(recordedIo()), (line) => written.push(line))
  let model = startModel({ pipeline: aPipeline(), jobs: [job], seq: 1 })
  view.update(model, undefined, NOON)
  const apply = (event: ModelEvent) => {
    model = reducePipeline(model, event)
    view.update(model, event.type === 'log.appended' ? event : undefined, NOON)
  }
  let seq = 1
  return {
    written,
    state: (next: JobView) => apply({ type: 'job.changed', seq: (seq += 1), job: next }),
    log: (...lines: ReturnType<typeof aLine>[]) =>
      apply({ type: 'log.appended', jobId: job.id, attempt: 1, lines }),
    logEnd: () => view.logEnd(job.id),
    end: () => view.end(model, NOON),
  }
}

const WAITING = [aStep(0, 'install'), aStep(1, 'test')]
const running = (step: StepView): StepView => ({ ...step, status: 'running', startedAt: NOON })
const ended = (step: StepView): StepView => ({
  ...step,
  status: 'finished',
  outcome: 'success',
  startedAt: NOON,
  finishedAt: NOON + 1500,
})
const jobWith = (steps: StepView[], lines: number) =>
  aJob('build', WAITING, { attempts: [anAttempt(steps, { lines })] })
const [INSTALL, TEST] = WAITING as [StepView, StepView]

test('says each thing once, with log lines behind the name of their step', () => {
  const view = openView(jobWith(WAITING, 0))
  view.state(jobWith([running(INSTALL), TEST], 0))
  view.log(aLine(0, 0, 'fetch'), aLine(1, 0, '\x1b[32mdone\x1b]0;x\x07'))
  view.state(jobWith([ended(INSTALL), running(TEST)], 2))
  view.state(jobWith([ended(INSTALL), running(TEST)], 2))
  assert.deepEqual(view.written, [
    '12:00:01 team/app#12  main  1a2b3c4d5e  Fix the flux  Ada',
    '12:00:01 ▸ build on build-1',
    '12:00:01 ▸ build/install',
    '12:00:01 build/install │ fetch',
    '12:00:01 build/install │ done',
    '12:00:02 ✔ build/install success in 1.5 s',
    '12:00:01 ▸ build/test',
  ])
})

test('says that a step has ended behind its lines, though the lines come later', () => {
  const view = openView(jobWith(WAITING, 0))
  view.written.length = 0
  view.state(jobWith([ended(INSTALL), running(TEST)], 2))
  view.log(aLine(0, 0, 'one'))
  view.log(aLine(1, 0, 'two'), aLine(2, 1, 'three'))
  assert.deepEqual(view.written, [
    '12:00:01 ▸ build/install',
    '12:00:01 build/install │ one',
    '12:00:01 build/install │ two',
    '12:00:02 ✔ build/install success in 1.5 s',
    '12:00:01 ▸ build/test',
    '12:00:01 build/test │ three',
  ])
})

test('holds nothing back when the log is whole or the pipeline has ended', () => {
  const view = openView(jobWith(WAITING, 0))
  view.written.length = 0
  view.state(jobWith([ended(INSTALL), ended(TEST)], 9))
  assert.deepEqual(view.written, [])
  view.logEnd()
  assert.equal(view.written.at(-1), '12:00:02 ✔ build/test success in 1.5 s')
  view.end()
  assert.match(view.written.at(-1) ?? '', /team\/app#12 running/)
})

test('says that a job goes to another runner after a loss', () => {
  const view = openView(jobWith([running(INSTALL), TEST], 0))
  view.written.length = 0
  const first = anAttempt([running(INSTALL), TEST], { status: 'finished', outcome: 'error' })
  const second = anAttempt(WAITING, { number: 2 })
  view.state(aJob('build', WAITING, { attempt: 2, attempts: [first, second] }))
  assert.deepEqual(view.written, ['12:00:01 ▸ build on build-1, attempt 2'])
})
