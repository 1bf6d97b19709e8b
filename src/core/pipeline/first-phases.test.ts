import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommitEvent } from '../commit-event.ts'
import { firstPhases } from './first-phases.ts'

const EVENT: CommitEvent = {
  id: 'event_1',
  repositoryId: 'repo_1',
  kind: 'push',
  ref: 'refs/heads/main',
  sha: 'a'.repeat(40),
  title: '',
  author: '',
  trust: {},
  details: { toldAt: 990 },
  source: 'webhook',
  receivedAt: 1000,
}

test('an event that was told was accepted, and then waited for its pipeline', () => {
  assert.deepEqual(firstPhases(EVENT, 1000, 1030), [
    { name: 'accept', startedAt: 990, durationMs: 10 },
    { name: 'queue', startedAt: 1000, durationMs: 30 },
  ])
})

test('one that somebody asked for anew was not accepted for this pipeline', () => {
  assert.deepEqual(firstPhases(EVENT, 5000, 5020), [
    { name: 'queue', startedAt: 5000, durationMs: 20 },
  ])
})

test('nothing lasts less than no time, whatever the clocks say', () => {
  const early = { ...EVENT, details: { toldAt: 1010 } }
  assert.deepEqual(
    firstPhases(early, 1000, 995).map(({ durationMs }) => durationMs),
    [0, 0],
  )
})
