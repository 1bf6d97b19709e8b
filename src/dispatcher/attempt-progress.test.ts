import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  Outcome,
  Phase,
  type RunAttemptResponse,
  RunAttemptResponseSchema,
} from '../contract/gen/narwhal/v1/runner_pb.js'
import { chunkOf, linesOf } from '../contract/log-chunk.ts'
import { chunkToProto } from '../contract/rpc.ts'
import { LOG_BYTES } from '../core/log-limit.ts'
import type { AttemptRecord } from '../store/records.ts'
import { addProgress } from './attempt-progress.ts'

const at = (clockOffsetMs: number) => ({
  clockOffsetMs,
  arrivedAt: 2007,
  maxAttempts: 3,
  logBytes: LOG_BYTES,
})

const attempt: AttemptRecord = {
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

function message(
  seq: number,
  event: MessageInitShape<typeof RunAttemptResponseSchema>['event'],
  atMs = 2000,
): RunAttemptResponse {
  return create(RunAttemptResponseSchema, {
    seq: BigInt(seq),
    atMs: BigInt(atMs),
    ...(event ? { event } : {}),
  })
}

const WHOLE = [
  message(1, { case: 'started', value: { instanceId: 'i' } }),
  message(2, { case: 'phase', value: { phase: Phase.CHECKOUT, durationMs: 30 } }),
  message(3, { case: 'stepStarted', value: { step: 0 } }),
  message(4, {
    case: 'log',
    value: chunkToProto(
      chunkOf(0, [
        { at: 2000, stream: 'stdout', text: 'one' },
        { at: 2001, stream: 'stderr', text: 'two' },
      ]),
    ),
  }),
  message(5, { case: 'stepFinished', value: { step: 0, outcome: Outcome.FAILURE, exitCode: 3 } }),
  message(6, { case: 'finished', value: { outcome: Outcome.FAILURE, reason: 'step "a"' } }),
]

test('a whole attempt in one batch', () => {
  const progress = addProgress(attempt, WHOLE, at(0))
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
  assert.deepEqual(
    progress.chunks.flatMap((chunk) => linesOf(chunk)),
    [
      { at: 2000, stream: 'stdout', text: 'one' },
      { at: 2001, stream: 'stderr', text: 'two' },
    ],
  )
  assert.deepEqual(
    progress.jobEvents.map(({ type }) => type),
    ['started', 'finished'],
  )
})

test('the same events in any batches, with repeats, come to the same', () => {
  const whole = addProgress(attempt, WHOLE, at(0))
  const first = addProgress(attempt, WHOLE.slice(0, 4), at(0))
  const second = addProgress(first.attempt, WHOLE.slice(2), at(0))
  assert.deepEqual(second.attempt, whole.attempt)
  assert.deepEqual([...first.chunks, ...second.chunks], whole.chunks)
})

test('a hole in the numbers is refused', () => {
  assert.throws(() => addProgress(attempt, WHOLE.slice(1), at(0)), { code: 'invalid' })
})

test("a runner's clock that is off is set right, and never before the assignment", () => {
  const { attempt: later } = addProgress(attempt, WHOLE.slice(0, 1), at(7))
  assert.equal(later.startedAt, 2007)
  const { attempt: early } = addProgress(attempt, WHOLE.slice(0, 1), at(-5000))
  assert.equal(early.startedAt, 1000)
})

test('a runner that tells of a step that is not there is refused', () => {
  const stray = message(1, { case: 'stepStarted', value: { step: 7 } })
  assert.throws(() => addProgress(attempt, [stray], at(0)), { code: 'invalid' })
})
