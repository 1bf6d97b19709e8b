import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addProgress, type ProgressOptions } from './add-progress.ts'
import { type Attempt, resultOf, startedAtOf } from './attempt.ts'
import type { AttemptEvent, ReceivedEvent } from './attempt-event.ts'
import { FLOOD_TIMES, LOG_BYTES } from './log-limit.ts'

const OPTIONS: ProgressOptions = { arrivedAt: 2007, maxAttempts: 3, logBytes: LOG_BYTES }

const attempt: Attempt = {
  number: 2,
  runnerId: 'runner_1',
  fence: 5,
  status: 'assigned',
  assignedAt: 1000,
  decision: {
    runnerId: 'runner_1',
    runnerName: 'r',
    heuristic: 'random',
    reason: 'x',
    considered: [],
  },
  phases: [],
  steps: [{ name: 'a', status: 'waiting' }],
  lines: 0,
  logBytes: 0,
  lastSeq: 0,
}

function received(seq: number, event: AttemptEvent, at = 2000): ReceivedEvent {
  return { seq, at, event }
}

function log(size: number, lineCount = 2): AttemptEvent {
  const content = new Uint8Array()
  return {
    type: 'log',
    chunk: { step: 0, lineCount, size, packing: 'zstd', content, clockOffsetMs: 0 },
  }
}

const CHUNK = log(20)
const WHOLE = [
  received(1, { type: 'started', instanceId: 'i' }),
  received(2, { type: 'phase', phase: 'checkout', durationMs: 30 }),
  received(3, { type: 'step_started', step: 0 }),
  received(4, CHUNK),
  received(5, { type: 'step_finished', step: 0, outcome: 'failure', exitCode: 3 }),
  received(6, { type: 'finished', outcome: 'failure', reason: 'step "a"' }),
]

test('a whole attempt in one batch', () => {
  const progress = addProgress(attempt, WHOLE, OPTIONS)
  assert.equal(progress.attempt.status, 'finished')
  assert.equal(progress.attempt.lines, 2)
  assert.equal(progress.attempt.lastSeq, 6)
  assert.deepEqual(progress.attempt.phases, [
    { name: 'checkout', startedAt: 1970, durationMs: 30 },
    { name: 'report', startedAt: 2000, durationMs: 7 },
  ])
  assert.deepEqual(progress.attempt.steps[0], {
    name: 'a',
    status: 'finished',
    outcome: 'failure',
    exitCode: 3,
    startedAt: 2000,
    finishedAt: 2000,
  })
  assert.deepEqual(progress.chunks, [CHUNK.type === 'log' && CHUNK.chunk])
  assert.deepEqual(
    progress.jobEvents.map(({ type }) => type),
    ['started', 'finished'],
  )
})

test('the same events in any batches, with repeats, come to the same', () => {
  const whole = addProgress(attempt, WHOLE, OPTIONS)
  const first = addProgress(attempt, WHOLE.slice(0, 4), OPTIONS)
  const second = addProgress(first.attempt, WHOLE.slice(2), OPTIONS)
  assert.deepEqual(second.attempt, whole.attempt)
  assert.deepEqual([...first.chunks, ...second.chunks], whole.chunks)
})

test('a hole in the numbers is refused', () => {
  assert.throws(() => addProgress(attempt, WHOLE.slice(1), OPTIONS), { code: 'invalid' })
})

test('nothing has happened before the assignment', () => {
  const early = received(1, { type: 'started', instanceId: 'i' }, -3000)
  assert.equal(startedAtOf(addProgress(attempt, [early], OPTIONS).attempt), 1000)
})

test('an event of a kind that is not known here has its number, and changes nothing else', () => {
  const progress = addProgress(attempt, [{ seq: 1, at: 2000 }], OPTIONS)
  assert.deepEqual(progress.attempt, { ...attempt, lastSeq: 1 })
  assert.deepEqual(progress.jobEvents, [])
})

test('a runner that tells of a step that is not there is refused', () => {
  const stray = received(1, { type: 'step_started', step: 7 })
  assert.throws(() => addProgress(attempt, [stray], OPTIONS), { code: 'invalid' })
})

test('of a log that is too large the rest is left out, which is said once, and a flood is refused', () => {
  const MiB = 1024 ** 2
  const options = { ...OPTIONS, logBytes: 8 * MiB }
  let record: Attempt = attempt
  let cuts = 0
  let kept = 0
  const send = (seq: number): void => {
    const progress = addProgress(record, [received(seq, log(MiB - 64))], options)
    record = progress.attempt
    kept += progress.chunks.length
    if (progress.cutOff) cuts += 1
  }
  // A runner cuts at the borders of its chunks, so one MiB more is taken.
  for (let seq = 1; seq <= 9 * FLOOD_TIMES; seq++) send(seq)
  assert.deepEqual({ cuts, kept, lines: record.lines }, { cuts: 1, kept: 9, lines: 2 * 9 + 1 })
  assert.throws(() => send(9 * FLOOD_TIMES + 1), {
    code: 'invalid',
    message: /more lines for one attempt than allowed/,
  })
})

const ENDS: readonly [end: Partial<AttemptEvent & { type: 'finished' }>, job: string][] = [
  [{ outcome: 'success' }, 'finished'],
  [{ outcome: 'failure' }, 'finished'],
  [{ outcome: 'timeout' }, 'lost'],
  [{ outcome: 'error', fault: 'runner' }, 'lost'],
  [{ outcome: 'error', fault: 'handed_back' }, 'lost'],
]

test('an end that says nothing about the job, or that is to be tried again, loses the attempt only', () => {
  for (const [end, job] of ENDS) {
    const finished: AttemptEvent = { type: 'finished', outcome: 'success', ...end }
    const options: ProgressOptions = { ...OPTIONS, retryOn: ['timeout'] }
    const progress = addProgress(attempt, [received(1, finished)], options)
    assert.equal(progress.jobEvents[0]?.type, job, JSON.stringify(end))
    const isFaulty = finished.fault === 'runner'
    assert.deepEqual(progress.end, isFaulty ? { kind: 'faulty', reason: '' } : { kind: 'sound' })
  }
})

test('a runner that has no engine for a job is neither sound nor faulty by that', () => {
  const finished = received(1, { type: 'finished', outcome: 'error', fault: 'no_engine' })
  assert.deepEqual(addProgress(attempt, [finished], OPTIONS).end, { kind: 'none' })
})

test('the last attempt ends the job also by a fault of the runner, but not by one that is handed back', () => {
  const last = { ...OPTIONS, maxAttempts: attempt.number }
  for (const [fault, job] of [
    ['runner', 'finished'],
    ['handed_back', 'lost'],
  ] as const) {
    const finished = received(1, { type: 'finished', outcome: 'error', fault })
    assert.equal(addProgress(attempt, [finished], last).jobEvents[0]?.type, job)
  }
})

test('what has ended does not begin again, however a runner tells it', () => {
  const ended = addProgress(attempt, WHOLE, OPTIONS).attempt
  const again = [
    received(7, { type: 'started', instanceId: 'i' }),
    received(8, { type: 'step_started', step: 0 }),
  ]
  assert.deepEqual(addProgress(ended, again, OPTIONS).attempt, { ...ended, lastSeq: 8 })
})

test('words are cut, and there are not more phases than can be', () => {
  const finished = received(1, { type: 'finished', outcome: 'error', reason: 'x'.repeat(100_000) })
  assert.ok(
    (resultOf(addProgress(attempt, [finished], OPTIONS).attempt)?.reason?.length ?? 0) < 10_000,
  )
  const phases = Array.from({ length: 101 }, (_, index) =>
    received(index + 1, { type: 'phase', phase: 'fetch', durationMs: 1 }),
  )
  assert.throws(() => addProgress(attempt, phases, OPTIONS), { code: 'invalid' })
})
