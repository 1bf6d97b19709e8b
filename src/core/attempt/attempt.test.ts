import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Attempt,
  type AttemptFacts,
  differsInLogOnly,
  resultOf,
  startedAtOf,
} from './attempt.ts'

const facts: AttemptFacts = {
  number: 1,
  runnerId: 'runner_1',
  fence: 1,
  assignedAt: 1000,
  decision: {
    runnerId: 'runner_1',
    runnerName: 'r',
    heuristic: 'random',
    reason: 'x',
    considered: [],
  },
  phases: [],
  steps: [],
  lines: 0,
  logBytes: 0,
  lastSeq: 0,
}
const running: Attempt = { ...facts, status: 'running', startedAt: 1200 }
const ended: Attempt = { ...facts, status: 'finished', outcome: 'error', finishedAt: 1500 }

test('only what has begun has a start, and only what has ended a result', () => {
  const assigned: Attempt = { ...facts, status: 'assigned' }
  assert.deepEqual([assigned, running, ended].map(startedAtOf), [undefined, 1200, undefined])
  assert.deepEqual([assigned, running].map(resultOf), [undefined, undefined])
  assert.equal(resultOf(ended)?.outcome, 'error')
})

test('lines, their bytes and the number of the last event are the log of an attempt', () => {
  assert.ok(differsInLogOnly(running, { ...running, lines: 7, logBytes: 70, lastSeq: 9 }))
})

test('whatever else changes alone is no change of the log', () => {
  const others: Attempt[] = [
    { ...running, phases: [] },
    { ...running, steps: [] },
    { ...running, startedAt: 1300 },
    { ...running, askedBy: 'ada' },
    { ...running, redactedAt: 2000 },
    { ...running, status: 'finished', outcome: 'success', finishedAt: 1400 },
  ]
  for (const other of others) assert.ok(!differsInLogOnly(running, other), JSON.stringify(other))
  for (const other of others) assert.ok(!differsInLogOnly(other, running), JSON.stringify(other))
  assert.ok(!differsInLogOnly(ended, { ...ended, outputs: { version: '1' } }))
  assert.ok(!differsInLogOnly(ended, { ...ended, reason: 'it broke' }))
})
