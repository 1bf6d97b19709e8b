import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RunnerId } from '../ids.ts'
import { advanceJob, isHeldBy, type JobEvent, type JobState } from './job-state.ts'

const RUNNER: RunnerId = 'runner_1'
const report = { attempt: 1, fence: 7, at: 50 }
const held = { attempt: 1, queuedAt: 10, runnerId: RUNNER, fence: 7, assignedAt: 20 }
const blocked: JobState = { status: 'blocked', attempt: 1 }
const queued: JobState = { status: 'queued', attempt: 1, queuedAt: 10 }
const assigned: JobState = { status: 'assigned', ...held }
const running: JobState = { status: 'running', ...held, startedAt: 30 }
const finished: JobState = { status: 'finished', attempt: 1, outcome: 'failure', finishedAt: 40 }
const STATES = [blocked, queued, assigned, running, finished]

const assign: JobEvent = { type: 'assigned', runnerId: RUNNER, fence: 7, at: 20 }
const started: JobEvent = { type: 'started', ...report, at: 30 }
const succeeded: JobEvent = { type: 'finished', outcome: 'success', ...report }
const refused: JobEvent = { type: 'refused', ...report }
const lost: JobEvent = { type: 'lost', reason: 'gone', ...report }
const cancelled: JobEvent = { type: 'cancelled', reason: 'by hand', at: 50 }

const moves: [string, JobState, JobEvent, JobState][] = [
  ['a blocked job is queued when its needs are done', blocked, { type: 'ready', at: 10 }, queued],
  ['a queued job is assigned', queued, assign, assigned],
  ['an assigned job starts', assigned, started, running],
  [
    'a running job finishes and keeps when it started',
    running,
    succeeded,
    { status: 'finished', attempt: 1, outcome: 'success', startedAt: 30, finishedAt: 50 },
  ],
  [
    'an assigned job may fail before it starts',
    assigned,
    { ...succeeded, outcome: 'error', reason: 'no image' },
    { status: 'finished', attempt: 1, outcome: 'error', reason: 'no image', finishedAt: 50 },
  ],
  ['a refused attempt waits again under its number', assigned, refused, queued],
  ['a lost attempt makes the next', running, lost, { status: 'queued', attempt: 2, queuedAt: 50 }],
  [
    'a rerun makes the next attempt',
    finished,
    { type: 'rerun', blocked: false, at: 60 },
    { status: 'queued', attempt: 2, since: 2, queuedAt: 60 },
  ],
  [
    'a rerun of what it needs makes it wait',
    finished,
    { type: 'rerun', blocked: true, at: 60 },
    { status: 'blocked', attempt: 2, since: 2 },
  ],
]
for (const [name, state, event, next] of moves) {
  test(name, () => assert.deepEqual(advanceJob(state, event), next))
}

test('cancel ends every state but the last', () => {
  for (const state of STATES) {
    const next = advanceJob(state, cancelled)
    assert.equal(next.status, 'finished')
    assert.equal(next.outcome, state === finished ? 'failure' : 'cancelled')
  }
})

const ignored: [string, JobState, JobEvent][] = [
  ['a report under an older fence', running, { ...succeeded, fence: 6 }],
  ['a report of a former attempt', running, { ...succeeded, attempt: 0 }],
  ['a start that is told twice', running, started],
  ['a second end', finished, succeeded],
  ['an assignment of a job that is assigned', assigned, assign],
  ['a refusal after the start', running, refused],
  ['a loss after the end', finished, lost],
  ['ready, when it is queued already', queued, { type: 'ready', at: 99 }],
  ['a rerun of what still runs', running, { type: 'rerun', blocked: false, at: 60 }],
]
for (const [name, state, event] of ignored) {
  test(`ignores ${name}`, () => assert.equal(advanceJob(state, event), state))
}

test('after any events the attempt never goes back and the end is left by a rerun only', () => {
  const anyReport = {
    attempt: fc.integer({ min: 0, max: 3 }),
    fence: fc.integer({ min: 0, max: 9 }),
  }
  const at = fc.nat()
  const anyEvent: fc.Arbitrary<JobEvent> = fc.oneof(
    fc.record({ type: fc.constant('ready' as const), at }),
    fc.record({ type: fc.constant('skipped' as const), reason: fc.string(), at }),
    fc.record({
      type: fc.constant('assigned' as const),
      runnerId: fc.constant(RUNNER),
      fence: fc.nat(9),
      at,
    }),
    fc.record({ type: fc.constant('started' as const), at, ...anyReport }),
    fc.record({
      type: fc.constant('finished' as const),
      outcome: fc.constantFrom('success' as const, 'failure' as const),
      at,
      ...anyReport,
    }),
    fc.record({ type: fc.constant('refused' as const), at, ...anyReport }),
    fc.record({ type: fc.constant('lost' as const), reason: fc.string(), at, ...anyReport }),
    fc.record({ type: fc.constant('cancelled' as const), reason: fc.string(), at }),
    fc.record({ type: fc.constant('rerun' as const), blocked: fc.boolean(), at }),
  )
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
      let state: JobState = blocked
      for (const event of events) {
        const next: JobState = advanceJob(state, event)
        assert.ok(next.attempt >= state.attempt)
        if (state.status === 'finished' && next !== state) assert.equal(event.type, 'rerun')
        state = next
      }
    }),
    { numRuns: 2000 },
  )
})

test('a runner has a job by the attempt and token that it was given, and by no other', () => {
  for (const state of [assigned, running]) {
    assert.ok(isHeldBy(state, RUNNER, report))
    assert.ok(!isHeldBy(state, 'runner_2', report))
    assert.ok(!isHeldBy(state, RUNNER, { ...report, attempt: 2 }))
    assert.ok(!isHeldBy(state, RUNNER, { ...report, fence: 6 }))
  }
  for (const state of [blocked, queued, finished]) assert.ok(!isHeldBy(state, RUNNER, report))
})
