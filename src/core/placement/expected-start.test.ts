import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expectedStarts, type PastPlacement } from './expected-start.ts'

const past = (kind: string, tookMs: number, outcome = 'success'): PastPlacement => ({
  kind,
  assignedAt: 1000,
  finishedAt: 1000 + tookMs,
  outcome,
})
const running = (kind: string, assignedAt: number): PastPlacement => ({
  kind,
  assignedAt,
})

test('gives slots to waiting jobs in order, as those that run end', () => {
  const placements = [running('a', 9_000), running('b', 9_500), past('a', 2_000), past('b', 5_000)]
  const starts = expectedStarts(['a', 'a', 'b'], { now: 10_000, slots: 2, placements })
  assert.deepEqual(starts, [11_000, 13_000, 14_500])
})

test('takes what is late to end any moment, and a free slot to be free now', () => {
  const placements = [running('a', 0), past('a', 2_000)]
  assert.deepEqual(
    expectedStarts(['a', 'a'], { now: 10_000, slots: 2, placements }),
    [10_000, 10_000],
  )
})

test('says nothing where nothing like it has succeeded before', () => {
  const placements = [running('new', 0), past('new', 10, 'failure')]
  assert.deepEqual(expectedStarts(['a'], { now: 10_000, slots: 1, placements }), [undefined])
  assert.deepEqual(expectedStarts(['a'], { now: 10_000, slots: 0, placements: [] }), [undefined])
})
