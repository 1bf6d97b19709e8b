import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aJob, anAttempt } from '../pipeline/fixtures.ts'
import { addProgress } from './add-progress.ts'
import {
  assignment,
  currentAttempt,
  endOfConversation,
  noteOfLoss,
  progressChanges,
} from './attempt-changes.ts'
import type { ReceivedEvent } from './attempt-event.ts'

const DECISION = anAttempt().decision
const STEP = { name: 'test', command: 'true', dependencies: [], env: {} }

test('the present attempt is the one that the job is at', () => {
  const first = anAttempt({}, { status: 'finished', outcome: 'error', finishedAt: 9 })
  const again = { status: 'queued', attempt: 2, queuedAt: 9 } as const
  assert.equal(currentAttempt(aJob({ name: 'a' }, { attempts: [first] })), first)
  assert.equal(currentAttempt(aJob({ name: 'a' }, { attempts: [first], state: again })), undefined)
})

test('an assignment gives out the next fencing token, and says how long the job has waited', () => {
  const state = { status: 'queued', attempt: 2, queuedAt: 100 } as const
  const job = aJob({ name: 'a', steps: [STEP] }, { state, fence: 4 })
  const { fence, event, attempt } = assignment(job, DECISION, 130)
  assert.equal(fence, 5)
  assert.deepEqual(event, { type: 'assigned', runnerId: 'runner_1', fence: 5, at: 130 })
  assert.deepEqual([attempt?.number, attempt?.fence, attempt?.status], [2, 5, 'assigned'])
  assert.deepEqual(attempt?.phases, [{ name: 'place', startedAt: 100, durationMs: 30 }])
  assert.deepEqual(attempt?.steps, [{ name: 'test', status: 'waiting' }])
})

test('whoever wanted the round is named on its first attempt, and on no replacement of it', () => {
  const askedBy = (attempt: number) => {
    const state = { status: 'queued', attempt, since: 3, askedBy: 'ada', queuedAt: 1 } as const
    return assignment(aJob({ name: 'a' }, { state }), DECISION, 2).attempt?.askedBy
  }
  assert.deepEqual([askedBy(3), askedBy(4)], ['ada', undefined])
})

const OPTIONS = { arrivedAt: 20, maxAttempts: 3, logBytes: 1000 }

test('events of an attempt that goes on change it, and the job where they are about that', () => {
  const stored = anAttempt()
  const started: ReceivedEvent = { seq: 1, at: 10, event: { type: 'started', instanceId: 'i' } }
  const progress = addProgress(stored, [started], OPTIONS)
  const [event] = progress.jobEvents
  assert.deepEqual(progressChanges('job_a', stored, progress), [
    { jobId: 'job_a', event, attempt: progress.attempt },
  ])
  const phase: ReceivedEvent = {
    seq: 1,
    at: 10,
    event: { type: 'phase', phase: 'fetch', durationMs: 1 },
  }
  const quiet = addProgress(stored, [phase], OPTIONS)
  assert.deepEqual(progressChanges('job_a', stored, quiet), [
    { jobId: 'job_a', attempt: quiet.attempt },
  ])
})

test('of what a runner says after its attempt was ended here only the log is kept', () => {
  const ended = { status: 'finished', outcome: 'cancelled', finishedAt: 9 } as const
  const stored = anAttempt({ lines: 3, lastSeq: 4 }, ended)
  const late: ReceivedEvent = { seq: 5, at: 30, event: { type: 'finished', outcome: 'success' } }
  const progress = addProgress(stored, [late], OPTIONS)
  assert.deepEqual(progressChanges('job_a', stored, progress), [
    { jobId: 'job_a', attempt: { ...stored, lastSeq: 5 } },
  ])
})

test('the late log of an attempt that was ended from here still counts against its limit', () => {
  const ended = { status: 'finished', outcome: 'cancelled', finishedAt: 9 } as const
  const stored = anAttempt({ lines: 3, logBytes: 30, lastSeq: 4 }, ended)
  const content = new Uint8Array(8)
  const chunk = {
    step: 0,
    lineCount: 1,
    size: 40,
    packing: 'zstd',
    content,
    clockOffsetMs: 0,
  } as const
  const progress = addProgress(stored, [{ seq: 5, at: 8, event: { type: 'log', chunk } }], OPTIONS)
  const [change] = progressChanges('job_a', stored, progress)
  assert.ok(progress.attempt.logBytes > 30)
  assert.deepEqual(change?.attempt, {
    ...stored,
    lines: 4,
    logBytes: progress.attempt.logBytes,
    lastSeq: 5,
  })
})

test('the log of an attempt that was lost says so behind the last step that had begun', () => {
  const steps = [
    { name: 'a', status: 'finished', outcome: 'success', startedAt: 3, finishedAt: 4 },
    { name: 'b', status: 'running', startedAt: 4 },
    { name: 'db', status: 'running', beside: true, startedAt: 3 },
    { name: 'c', status: 'waiting' },
  ] as const
  const running = { status: 'running', startedAt: 2 } as const
  const lost = { kind: 'lost', reason: 'gone' } as const
  const text = 'the runner was lost (gone): what it printed after this is missing'
  assert.deepEqual(noteOfLoss(anAttempt({ steps }, running), lost), { step: 1, text })
  assert.deepEqual(noteOfLoss(anAttempt({ steps: [] }, running), lost), { step: 0, text })
  assert.equal(noteOfLoss(anAttempt({ steps }), lost), undefined)
  const overdue = { kind: 'overdue', reason: 'late' } as const
  assert.equal(noteOfLoss(anAttempt({ steps }, running), overdue), undefined)
})

test('how a conversation ends decides how the job goes on', () => {
  const attempt = anAttempt({ number: 2, fence: 7 })
  const report = { attempt: 2, fence: 7, at: 50 }
  const reason = 'gone'
  const goesOn = { isLast: false, at: 50 }
  const last = { isLast: true, at: 50 }
  assert.deepEqual(endOfConversation(attempt, { kind: 'refused', reason }, last), {
    type: 'refused',
    ...report,
  })
  const timeout = { type: 'finished', outcome: 'timeout', reason, ...report }
  assert.deepEqual(endOfConversation(attempt, { kind: 'overdue', reason }, goesOn), timeout)
  const lost = { reason: 'runner lost: gone', ...report }
  assert.deepEqual(endOfConversation(attempt, { kind: 'lost', reason }, goesOn), {
    type: 'lost',
    ...lost,
  })
  assert.deepEqual(endOfConversation(attempt, { kind: 'lost', reason }, last), {
    type: 'finished',
    outcome: 'error',
    ...lost,
  })
})

test('after a cancel only cleanup steps are still recorded, and none stays open', () => {
  const finished = {
    status: 'finished',
    outcome: 'cancelled',
    startedAt: 1,
    finishedAt: 9,
  } as const
  const stored = anAttempt(
    {
      steps: [
        { name: 'up', ...finished },
        { name: 'test', status: 'finished', outcome: 'skipped' },
        { name: 'down', status: 'finished', outcome: 'skipped' },
      ],
    },
    finished,
  )
  const after = (attempt: typeof stored, events: readonly ReceivedEvent['event'][]) => {
    const { lastSeq } = attempt
    const received = events.map((event, index) => ({ seq: lastSeq + index + 1, at: 20, event }))
    const progress = addProgress(attempt, received as ReceivedEvent[], OPTIONS)
    const [change, ...others] = progressChanges('job_a', attempt, progress)
    assert.deepEqual([change?.event, others], [undefined, []])
    return change?.attempt ?? attempt
  }
  const begun = after(stored, [
    { type: 'step_finished', step: 0, outcome: 'failure', exitCode: 137 },
    { type: 'step_finished', step: 1, outcome: 'skipped' },
    { type: 'step_started', step: 2 },
  ])
  assert.deepEqual(begun.steps[0], stored.steps[0])
  assert.equal(begun.steps[1]?.status === 'finished' && begun.steps[1].outcome, 'skipped')
  const late = { name: 'down', status: 'finished', startedAt: 20, finishedAt: 20 } as const
  assert.deepEqual(begun.steps[2], { ...late, outcome: 'cancelled' })
  const ended = after(begun, [
    { type: 'step_finished', step: 2, outcome: 'success', exitCode: 0 },
    { type: 'finished', outcome: 'success' },
  ])
  assert.deepEqual(ended.steps[2], { ...late, outcome: 'success', exitCode: 0 })
  assert.equal(ended.status === 'finished' && ended.outcome, 'cancelled')
})
