import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LiveEvent } from '../contract/live/live-event.ts'
import type { RunnerSample } from '../contract/rest/views.ts'
import { EventHub } from '../lib/async/event-hub.ts'
import { RunnerSamples } from './runner-samples.ts'

const sample = (runnerId: `runner_${string}`, at: number): RunnerSample => ({
  runnerId,
  at,
  slots: 2,
  busy: 1,
  load: 0.5,
  cpu: 0.25,
  memoryUsedBytes: 1,
  memoryTotalBytes: 2,
  diskFreeBytes: 3,
})

function open() {
  const hub = new EventHub<LiveEvent>((error) => assert.ifError(error))
  const samples = new RunnerSamples(hub)
  const tell = (id: `runner_${string}`, at: number) =>
    hub.emit({ type: 'runner.sampled', sample: sample(id, at) })
  const timesOf = (id: `runner_${string}`, points: number) =>
    samples.list(id, points).map(({ at }) => at)
  return { samples, tell, timesOf }
}

test('keeps samples in order, each once', () => {
  const { tell, timesOf } = open()
  for (const at of [1, 2, 2, 1, 3]) tell('runner_1', at)
  assert.deepEqual(timesOf('runner_1', 10), [1, 2, 3])
  assert.deepEqual(timesOf('runner_2', 10), [])
})

test('picks evenly where fewer points are wanted, the first and the last among them', () => {
  const { tell, timesOf } = open()
  for (let at = 0; at <= 100; at++) tell('runner_1', at)
  assert.deepEqual(timesOf('runner_1', 5), [0, 25, 50, 75, 100])
  assert.deepEqual(timesOf('runner_1', 1), [100])
})

test('thins out the older half when samples come fast, and drops those over an hour old', () => {
  const { tell, timesOf } = open()
  for (let n = 0; n < 10_000; n++) tell('runner_1', n * 1000)
  const times = timesOf('runner_1', 10_000)
  assert.ok(times.length <= 720, `${times.length} points`)
  assert.equal(times.at(-1), 9_999_000)
  assert.equal(times.at(-2), 9_998_000)
  assert.ok((times[0] ?? 0) >= 9_999_000 - 2 * 60 * 60 * 1000)
})

test('forgets the runner that was silent longest past a number of runners', () => {
  const { tell, timesOf } = open()
  for (let n = 0; n < 500; n++) tell(`runner_${n}`, 1)
  tell('runner_0', 2)
  tell('runner_new', 1)
  assert.deepEqual(timesOf('runner_1', 5), [])
  assert.deepEqual(timesOf('runner_0', 5), [1, 2])
  assert.deepEqual(timesOf('runner_new', 5), [1])
})
