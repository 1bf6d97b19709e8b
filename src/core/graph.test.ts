import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dependants, dueEvents, findCycle, type GraphJob, pipelineOutcome } from './graph.ts'
import type { JobState } from './job.ts'
import type { Outcome } from './outcome.ts'

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
