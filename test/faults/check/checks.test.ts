import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Cancel, Delivery, FinalLine } from '../evidence.ts'
import { checkAttempts } from './check-attempts.ts'
import { checkCancels, STOP_WITHIN_MS } from './check-cancels.ts'
import { checkDeliveries } from './check-deliveries.ts'
import { checkEnds } from './check-ends.ts'
import { checkLogs } from './check-logs.ts'
import { checkOverlap } from './check-overlap.ts'
import { checkTransitions } from './check-transitions.ts'
import {
  attemptOf,
  COMMIT,
  changesOf,
  evidenceOf,
  jobOf,
  LINES,
  PUSHED,
  pipelineOf,
  runOf,
} from './evidence-of.ts'

describe('deliveries', () => {
  const told: Delivery = {
    id: 'delivery-1',
    sha: COMMIT.sha,
    move: 'move-1',
    agent: 'http://agent',
    sentAt: 0,
    answeredAt: 1,
    result: 'acked',
    status: 202,
  }
  const check = (deliveries: Delivery[], pipelines = [pipelineOf([])]) =>
    checkDeliveries({ commits: [PUSHED], deliveries, pipelines }).figures

  test('one pipeline for all deliveries of a commit is right', () => {
    const figures = check([told, { ...told, id: 'delivery-2' }])
    assert.deepEqual([figures.acked, figures.lost, figures.duplicated], [2, 0, 0])
  })

  test('an acknowledged commit without a pipeline is lost', () => {
    assert.equal(check([told], []).lost, 1)
  })

  test('a commit that nobody acknowledged is not lost', () => {
    assert.equal(check([{ ...told, result: 'unknown' }], []).lost, 0)
  })

  test('a second pipeline of a commit is a duplicate, a rerun is not', () => {
    const first = pipelineOf([])
    assert.equal(check([told], [first, { ...first, id: 'pipeline_2' }]).duplicated, 1)
    const rerun = { ...first, id: 'pipeline_2', isRerun: true }
    assert.equal(check([told], [first, rerun]).duplicated, 0)
  })

  test('each move of a branch to a commit has a pipeline of its own', () => {
    const first = pipelineOf([])
    const both = [first, { ...first, id: 'pipeline_2' }]
    const commits = [{ ...PUSHED, moves: ['move-1', 'move-2'] }]
    const deliveries = [told, { ...told, id: 'delivery-2', move: 'move-2' }]
    const { figures } = checkDeliveries({ commits, deliveries, pipelines: both })
    assert.deepEqual([figures.lost, figures.duplicated], [0, 0])
    assert.equal(checkDeliveries({ commits, deliveries, pipelines: [first] }).figures.lost, 1)
  })

  test('a pipeline that nobody pushed anything for is a duplicate', () => {
    const other = pipelineOf([], { sha: 'b'.repeat(40) })
    assert.equal(check([told], [pipelineOf([]), other]).duplicated, 1)
  })
})

describe('attempts', () => {
  const check = (attempts: Parameters<typeof jobOf>[0], given = {}, changes = changesOf()) =>
    checkAttempts({ changes, pipelines: [pipelineOf([jobOf(attempts, given)])] }).figures
  const lost = attemptOf({ outcome: 'error' })

  test('ended attempts in a row under growing fences are right', () => {
    const figures = check([lost, attemptOf({ number: 2, fence: 3 })])
    assert.deepEqual(figures, {
      jobs: 1,
      attempts: 2,
      withoutOneTerminalStatus: 0,
      numberGaps: 0,
      fenceErrors: 0,
    })
  })

  test('an attempt that is still running at the end is found', () => {
    const open = attemptOf({ status: 'running', outcome: undefined })
    assert.equal(check([open]).withoutOneTerminalStatus, 1)
  })

  test('an attempt that ended twice is found', () => {
    const changes = changesOf({ ends: { 1: 'error' } }, { ends: { 1: 'success' } })
    assert.equal(check([attemptOf()], {}, changes).withoutOneTerminalStatus, 1)
  })

  test('a number that is left out is found, and one that nobody has run yet is none', () => {
    assert.equal(check([lost, attemptOf({ number: 3, fence: 2 })]).numberGaps, 1)
    assert.equal(check([lost], { attempt: 2 }).numberGaps, 0)
    assert.equal(check([lost], { attempt: 3 }).numberGaps, 1)
  })

  test('a fence that does not grow is found', () => {
    assert.equal(check([lost, attemptOf({ number: 2, fence: 1 })]).fenceErrors, 1)
    assert.equal(check([attemptOf({ fence: 2 })], { fence: 1 }).fenceErrors, 1)
  })
})

describe('transitions', () => {
  const check = (...states: Parameters<typeof changesOf>) =>
    checkTransitions({ changes: changesOf(...states) }).figures

  test('a job may be refused, be lost, and go on', () => {
    const figures = check(
      { status: 'blocked' },
      { status: 'queued' },
      { status: 'assigned' },
      { status: 'queued' },
      { status: 'assigned' },
      { status: 'running' },
      { status: 'queued', attempt: 2 },
      { status: 'assigned', attempt: 2 },
      { status: 'finished', outcome: 'success', attempt: 2 },
      { status: 'finished', outcome: 'success', attempt: 2 },
    )
    assert.deepEqual(figures, { illegal: 0, revivals: 0 })
  })

  test('what has ended and goes on is a revival', () => {
    const over = { status: 'finished', outcome: 'cancelled' } as const
    assert.equal(check(over, { status: 'queued', attempt: 2 }).revivals, 1)
    assert.equal(check(over, { status: 'finished', outcome: 'success' }).revivals, 1)
  })

  test('a way back is illegal, and so is an attempt that is left out', () => {
    assert.equal(check({ status: 'running' }, { status: 'assigned' }).illegal, 1)
    assert.equal(check({ status: 'running' }, { status: 'queued', attempt: 3 }).illegal, 1)
    assert.equal(check({ status: 'queued' }, { status: 'queued', attempt: 2 }).illegal, 1)
    const back = { kind: 'pipeline', attempt: undefined } as const
    assert.equal(check({ ...back, status: 'running' }, { ...back, status: 'pending' }).illegal, 1)
  })
})

describe('overlap', () => {
  const check = (...runs: ReturnType<typeof runOf>[]) => checkOverlap({ runs }).figures

  test('steps and attempts one after the other are right', () => {
    const figures = check(
      runOf({ ended: false }),
      runOf({ attempt: 2, beganAt: 2_000 }),
      runOf({ attempt: 2, step: 1, beganAt: 3_000 }),
      runOf({ jobId: 'job_2', beganAt: 1_500 }),
    )
    assert.deepEqual(figures, { runs: 4, overlaps: 0, longestOverlapMs: 0, ranTwice: 0 })
  })

  test('two attempts at the same time are found, with how long', () => {
    const figures = check(runOf(), runOf({ attempt: 2, beganAt: 1_700 }))
    assert.deepEqual([figures.overlaps, figures.longestOverlapMs], [1, 300])
  })

  test('a step that runs twice in one attempt is found, also one after the other', () => {
    const figures = check(runOf(), runOf({ beganAt: 5_000 }))
    assert.deepEqual([figures.overlaps, figures.ranTwice], [0, 1])
  })
})

describe('logs', () => {
  const stdout = (text: string): FinalLine => ({ step: 0, stream: 'stdout', text })
  const [first = '', second = '', third = '', fourth = ''] = LINES
  const check = (texts: readonly (string | FinalLine)[], given = {}) => {
    const log = texts.map((text) => (typeof text === 'string' ? stdout(text) : text))
    const pipelines = [pipelineOf([jobOf([attemptOf({ log, ...given })])])]
    return checkLogs({ commits: [PUSHED], pipelines }).figures
  }
  const marker: FinalLine = { step: 0, stream: 'narwhal', text: 'Some lines may be missing here.' }

  test('a whole log is right, and so is the beginning of a lost one', () => {
    assert.equal(check(LINES).unmarkedHoles, 0)
    assert.equal(check([first, second], { outcome: 'error' }).unmarkedHoles, 0)
  })

  test('what is missing in the middle or at the end is a hole', () => {
    assert.equal(check([first, third, fourth]).unmarkedHoles, 1)
    assert.equal(check([first, third], { outcome: 'error' }).unmarkedHoles, 1)
    assert.equal(check([first, second, third]).unmarkedHoles, 1)
    assert.equal(check([]).unmarkedHoles, 1)
  })

  test('a hole that a line tells of is marked', () => {
    const figures = check([first, marker, fourth])
    assert.deepEqual([figures.unmarkedHoles, figures.markedHoles], [0, 1])
  })

  test('a line that stands there twice and one of another step are found', () => {
    assert.equal(check([first, first, second, third, fourth]).repeated, 1)
    assert.equal(check([...LINES, '4\tdeadbeef\tfifth']).foreign, 1)
  })
})

describe('ends', () => {
  const check = (given: Parameters<typeof evidenceOf>[0]) =>
    checkEnds(evidenceOf({ commits: [PUSHED], runs: [runOf()], ...given }))
  const asked: Cancel = {
    kind: 'pipeline',
    id: 'pipeline_1',
    askedAt: 0,
    answeredAt: 1,
    result: 'acked',
  }

  test('a job that ran to its end is right', () => {
    assert.deepEqual(check({ pipelines: [pipelineOf([jobOf([attemptOf()])])] }).breaches, [])
  })

  test('what is still open is stuck', () => {
    const open = jobOf([attemptOf()], { status: 'running', outcome: undefined })
    const pipelines = [pipelineOf([open], { status: 'running', outcome: undefined })]
    assert.equal(check({ pipelines }).figures.stuck, 1)
  })

  test('an outcome that the script does not have is wrong', () => {
    const pipelines = [pipelineOf([jobOf([attemptOf({ outcome: 'error' })])])]
    assert.equal(check({ pipelines }).figures.wrongOutcomes, 1)
  })

  test('a success that never came to its end is wrong', () => {
    const pipelines = [pipelineOf([jobOf([attemptOf()])])]
    assert.equal(check({ pipelines, runs: [runOf({ ended: false })] }).figures.wrongOutcomes, 1)
  })

  test('only what somebody cancelled may be cancelled', () => {
    const pipelines = [pipelineOf([jobOf([attemptOf({ outcome: 'cancelled' })])])]
    assert.equal(check({ pipelines }).figures.wrongOutcomes, 1)
    assert.equal(check({ pipelines, cancels: [asked] }).figures.wrongOutcomes, 0)
  })

  test('a job must not be skipped for nothing, nor be missing', () => {
    const skipped = jobOf([], { outcome: 'skipped', attempt: 1 })
    assert.equal(check({ pipelines: [pipelineOf([skipped])] }).figures.wrongOutcomes, 1)
    assert.equal(check({ pipelines: [pipelineOf([])] }).figures.wrongOutcomes, 1)
  })

  test('a process that ends by itself is found, one that gave up its start is not held against it', () => {
    const life = { name: 'web-1', role: 'web', pid: 7, startedAt: 0, end: 'itself' } as const
    assert.equal(check({ lives: [{ ...life, exitCode: 5, readyAt: 1 }] }).figures.crashes, 1)
    const { figures, breaches } = check({ lives: [{ ...life, exitCode: 5 }] })
    assert.deepEqual([figures.crashes, figures.failedStarts, breaches.length], [0, 1, 0])
  })

  test('what is left behind is told', () => {
    assert.equal(check({ leftovers: ['a process'] }).breaches[0]?.promise, 'leftovers')
  })
})

describe('cancels', () => {
  const asked: Cancel = { kind: 'job', id: 'job_1', askedAt: 0, answeredAt: 1_500, result: 'acked' }
  const check = (given: {
    outcome?: 'cancelled' | 'success'
    lastAt?: number
    cancel?: Cancel
  }) => {
    const { outcome = 'cancelled', lastAt = 2_000, cancel = asked } = given
    const pipelines = [pipelineOf([jobOf([attemptOf({ outcome })])])]
    return checkCancels({ cancels: [cancel], pipelines, runs: [runOf({ lastAt })] }).figures
  }

  test('what is cancelled and stops soon is right', () => {
    const figures = check({})
    assert.deepEqual(figures, { acked: 1, revivals: 0, ackMs: [1_500], stopMs: [500] })
  })

  test('a cancelled job that succeeds after all is a revival', () => {
    assert.equal(check({ outcome: 'success' }).revivals, 1)
    assert.equal(check({ outcome: 'success', cancel: { ...asked, result: 'over' } }).revivals, 0)
  })

  test('a cancelled job that runs on and on is a revival', () => {
    assert.equal(check({ lastAt: 1_501 + STOP_WITHIN_MS }).revivals, 1)
  })

  test('the cancel of a pipeline counts for its jobs', () => {
    const cancel = { ...asked, kind: 'pipeline', id: 'pipeline_1' } as const
    assert.equal(check({ cancel }).revivals, 0)
    assert.equal(check({ cancel, outcome: 'success' }).revivals, 1)
  })
})
