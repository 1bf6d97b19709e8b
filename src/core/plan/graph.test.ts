import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readExpression } from '../expression/read-expression.ts'
import type { JobState } from '../job/job-state.ts'
import type { Outcome } from '../outcome.ts'
import { dependants, dueEvents, findCycle, type GraphJob, pipelineOutcome } from './graph.ts'

const blocked: JobState = { status: 'blocked', attempt: 1 }
const queued: JobState = { status: 'queued', attempt: 1, queuedAt: 0 }
function ended(outcome: Outcome): JobState {
  return { status: 'finished', attempt: 1, outcome, finishedAt: 1 }
}
function job(name: string, needs: string[], state: JobState): GraphJob {
  return { name, needs, state }
}

test('a job is ready the moment its own needs are done, whatever else still runs', () => {
  const jobs = [
    job('a', [], ended('success')),
    job('slow', [], queued),
    job('after-a', ['a'], blocked),
    job('after-both', ['a', 'slow'], blocked),
  ]
  const due = dueEvents(jobs, 5)
  assert.deepEqual(due, [{ job: jobs[2], event: { type: 'ready', at: 5 } }])
})

test('a job is skipped as soon as one of its needs ends otherwise', () => {
  for (const outcome of ['failure', 'error', 'cancelled', 'timeout', 'skipped'] as const) {
    const jobs: GraphJob[] = [
      job('a', [], ended(outcome)),
      job('b', [], queued),
      job('c', ['a', 'b'], blocked),
    ]
    const due = dueEvents(jobs, 5)[0]
    assert.equal(due?.event.type, 'skipped')
    assert.equal(due.job.name, 'c')
  }
})

test('a pipeline has an outcome when all jobs have, and it is the worst', () => {
  assert.equal(pipelineOutcome([job('a', [], ended('success')), job('b', [], queued)]), undefined)
  const of = (...outcomes: Outcome[]) =>
    pipelineOutcome(outcomes.map((outcome) => job('x', [], ended(outcome))))
  assert.equal(of('success', 'success'), 'success')
  assert.equal(of('success', 'failure', 'skipped'), 'failure')
  assert.equal(of('failure', 'error'), 'error')
  assert.equal(of('failure', 'cancelled'), 'cancelled')
})

test('dependants are found over several steps', () => {
  const jobs = [job('a', [], queued), job('b', ['a'], blocked), job('c', ['b'], blocked)]
  assert.deepEqual(dependants(jobs, 'a'), new Set(['b', 'c']))
  assert.deepEqual(dependants(jobs, 'c'), new Set())
})

test('a cycle is named along its way', () => {
  const a = { name: 'a', needs: ['c'] }
  const b = { name: 'b', needs: ['a'] }
  const c = { name: 'c', needs: ['b'] }
  assert.deepEqual(findCycle([a, b, c]), ['a', 'c', 'b', 'a'])
  assert.deepEqual(findCycle([{ name: 'self', needs: ['self'] }]), ['self', 'self'])
  assert.equal(findCycle([b, c, { name: 'a', needs: [] }]), undefined)
})

test('a diamond and a very long chain are no cycles', () => {
  const diamond = [
    { name: 'top', needs: [] },
    { name: 'left', needs: ['top'] },
    { name: 'right', needs: ['top'] },
    { name: 'bottom', needs: ['left', 'right'] },
  ]
  assert.equal(findCycle(diamond), undefined)
  const chain = Array.from({ length: 20_000 }, (_, i) => ({
    name: `j${i}`,
    needs: i > 0 ? [`j${i - 1}`] : [],
  }))
  assert.equal(findCycle(chain), undefined)
})

test('what runs on failure waits for all it needs, and is skipped when all went well', () => {
  const handler = { ...job('handler', ['a', 'b'], blocked), runsOn: 'failure' } as const
  const always = { ...job('always', ['a', 'b'], blocked), runsOn: 'always' } as const
  const due = (a: JobState, b: JobState) =>
    dueEvents([job('a', [], a), job('b', [], b), handler, always], 5).map(
      ({ job: { name }, event }) => `${name} ${event.type}`,
    )
  assert.deepEqual(due(ended('failure'), queued), [])
  assert.deepEqual(due(ended('failure'), ended('success')), ['handler ready', 'always ready'])
  assert.deepEqual(due(ended('success'), ended('success')), ['handler skipped', 'always ready'])
})

test('the failure of a job that may fail is not counted, its error is', () => {
  const may = (outcome: Outcome) =>
    ({ ...job('may', [], ended(outcome)), allowFailure: true }) as const
  const next = job('next', ['may'], blocked)
  assert.equal(dueEvents([may('timeout'), next], 5)[0]?.event.type, 'ready')
  assert.equal(dueEvents([may('error'), next], 5)[0]?.event.type, 'skipped')
  assert.equal(pipelineOutcome([may('failure'), job('x', [], ended('success'))]), 'success')
  assert.equal(pipelineOutcome([may('error')]), 'error')
})

test('skipped jobs say nothing of a pipeline, unless there are no others', () => {
  const skipped = job('x', [], ended('skipped'))
  assert.equal(pipelineOutcome([skipped, job('y', [], ended('success'))]), 'success')
  assert.equal(pipelineOutcome([skipped]), 'skipped')
})

test('what a job has told decides, once it has ended, whether those that ask for it are run', () => {
  const text = 'needs.a.outputs.go == "yes"'
  const read = readExpression(text)
  assert.ok(read.ok)
  const onlyIf = { text, expression: read.expression }
  const jobsAt = (state: JobState, go?: string): GraphJob[] => [
    { ...job('a', [], state), ...(go === undefined ? {} : { outputs: { go } }) },
    { ...job('b', ['a'], blocked), onlyIf },
    { ...job('other', [], blocked), onlyIf },
  ]
  const eventOf = (jobs: GraphJob[], name = 'b') =>
    dueEvents(jobs, 5).find((one) => one.job.name === name)?.event
  assert.equal(eventOf(jobsAt(queued)), undefined)
  assert.deepEqual(eventOf(jobsAt(ended('success'), 'yes')), { type: 'ready', at: 5 })
  const reason = `when: ${text} is not true`
  for (const go of ['no', undefined]) {
    assert.deepEqual(eventOf(jobsAt(ended('success'), go)), { type: 'skipped', reason, at: 5 })
  }
  // Nothing is told to who does not need it.
  assert.equal(eventOf(jobsAt(ended('success'), 'yes'), 'other')?.type, 'skipped')
  assert.deepEqual(eventOf(jobsAt(ended('failure'), 'yes')), {
    type: 'skipped',
    reason: 'needs "a", which failed',
    at: 5,
  })

  const later = [
    { ...job('a', [], ended('success')), outputs: { go: 'no' } },
    { ...job('b', ['a'], ended('skipped')), onlyIf },
    job('c', ['b'], ended('skipped')),
    { ...job('goes on', ['c', 'a'], blocked), optional: ['c'] },
    { ...job('needs it', ['b'], blocked), runsOn: 'always' as const },
    { ...job('sorry', ['c'], blocked), optional: ['c'], runsOn: 'failure' as const },
  ]
  assert.deepEqual(eventOf(later, 'goes on'), { type: 'ready', at: 5 })
  const missing = { type: 'skipped', reason: 'needs "b", which is not run', at: 5 }
  assert.deepEqual(eventOf(later, 'needs it'), missing)
  assert.match(JSON.stringify(eventOf(later, 'sorry')), /all its needs succeeded/)
})
