import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordsOf } from '../../../test/support/spool.ts'
import type { AttemptEvent } from '../../core/attempt/attempt-event.ts'
import { advance, closingEvents, NOTHING_YET } from './progress.ts'

function closingOf(events: readonly AttemptEvent[], steps = 3): string[] {
  const closing = closingEvents({
    progress: events.reduce(advance, NOTHING_YET),
    steps,
    instanceId: 'instance_1',
    runnerName: 'one',
    isDamaged: false,
    at: 5,
  })
  return wordsOf(closing.map((event, index) => ({ seq: index + 1, at: 5, event })))
}

const MARK = 'runner one was restarted while the job was running: lines may be missing after this'
const started: AttemptEvent = { type: 'started', instanceId: 'instance_1' }
const begins = (step: number): AttemptEvent => ({ type: 'step_started', step })
const ends = (step: number): AttemptEvent => ({ type: 'step_finished', step, outcome: 'success' })

test('a step that ran ends in error, those behind it are skipped', () => {
  assert.deepEqual(closingOf([started, begins(0), ends(0), begins(1)]), [
    `log 1: ${MARK}`,
    'step_finished 1 error',
    'step_finished 2 skipped',
    'finished error runner',
  ])
})

test('between two steps the mark goes to the log of the last', () => {
  assert.deepEqual(closingOf([started, begins(0), ends(0)]), [
    `log 0: ${MARK}`,
    'step_finished 1 skipped',
    'step_finished 2 skipped',
    'finished error runner',
  ])
})

test('before the first step the mark goes to its log', () => {
  const skipped = [0, 1, 2].map((step) => `step_finished ${step} skipped`)
  assert.deepEqual(closingOf([started]), [`log 0: ${MARK}`, ...skipped, 'finished error runner'])
})

test('with all steps ended, or none in the job, only the end is missing', () => {
  assert.deepEqual(closingOf([started, begins(0), ends(0)], 1), [
    `log 0: ${MARK}`,
    'finished error runner',
  ])
  assert.deepEqual(closingOf([started], 0), ['finished error runner'])
})

test('what ran beside the steps ends in error as well', () => {
  assert.deepEqual(closingOf([started, begins(3), begins(0), begins(1), ends(1), begins(2)], 5), [
    `log 2: ${MARK}`,
    'step_finished 3 error',
    'step_finished 0 error',
    'step_finished 2 error',
    'step_finished 4 skipped',
    'finished error runner',
  ])
})
