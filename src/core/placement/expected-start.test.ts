import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expectedStarts, type PastPlacement, type SlotsOfRunner } from './expected-start.ts'

const past = (kind: string, tookMs: number, outcome = 'success'): PastPlacement => ({
  runnerId: 'runner_1',
  kind,
  assignedAt: 1000,
  finishedAt: 1000 + tookMs,
  outcome,
})
const running = (kind: string, assignedAt: number): PastPlacement => ({
  runnerId: 'runner_1',
  kind,
  assignedAt,
})
const runner = (slots: number, labels: string[] = []): SlotsOfRunner => ({
  id: labels.length > 0 ? 'runner_2' : 'runner_1',
  labels,
  slots,
})
const waiting = (kind: string, labels: string[] = []) => ({ kind, labels })

test('gives slots to waiting jobs in order, as those that run end', () => {
  const placements = [running('a', 9_000), running('b', 9_500), past('a', 2_000), past('b', 5_000)]
  const starts = expectedStarts([waiting('a'), waiting('a'), waiting('b')], {
    now: 10_000,
    runners: [runner(2)],
    placements,
  })
  assert.deepEqual(starts, [11_000, 13_000, 14_500])
})

test('takes what is late to end any moment, and a free slot to be free now', () => {
  const placements = [running('a', 0), past('a', 2_000)]
  assert.deepEqual(
    expectedStarts([waiting('a'), waiting('a')], { now: 10_000, runners: [runner(2)], placements }),
    [10_000, 10_000],
  )
})

test('says nothing where nothing like it has succeeded before', () => {
  const placements = [running('new', 0), past('new', 10, 'failure')]
  assert.deepEqual(
    expectedStarts([waiting('a')], { now: 10_000, runners: [runner(1)], placements }),
    [undefined],
  )
  assert.deepEqual(
    expectedStarts([waiting('a')], { now: 10_000, runners: [runner(0)], placements: [] }),
    [undefined],
  )
})

test('gives a slot only to those whose labels its runner has', () => {
  const placements = [
    { ...running('a', 9_000), runnerId: 'runner_2' as const },
    running('a', 9_900),
    past('a', 2_000),
  ]
  const runners = [runner(1), runner(1, ['gpu'])]
  const jobs = [waiting('a', ['gpu']), waiting('a'), waiting('a', ['gpu']), waiting('a', ['mac'])]
  // The one with the label takes the gpu's, though the other would be free later only.
  assert.deepEqual(expectedStarts(jobs, { now: 10_000, runners, placements }), [
    11_000,
    11_900,
    13_000,
    undefined,
  ])
})
