import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { BUSY_SAMPLE_MS, IDLE_SAMPLE_MS, LoopWatch } from './loop-watch.ts'

/** Blocks the event loop. */
function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

test('samples an idle loop once a second, a working one often, and then sees how long it was blocked', async () => {
  using loop = new LoopWatch()
  assert.equal(loop.pauseMs, IDLE_SAMPLE_MS)
  const working = setInterval(() => block(5), 1)
  await eventually(async () => assert.equal(loop.pauseMs, BUSY_SAMPLE_MS))
  clearInterval(working)
  loop.take()
  const blockedMs = 100
  block(blockedMs)
  await eventually(async () => assert.ok(loop.take().max > (blockedMs - BUSY_SAMPLE_MS) / 2_000))
  await eventually(async () => assert.equal(loop.pauseMs, IDLE_SAMPLE_MS))
})

test('says nothing of a time in which it has not sampled', () => {
  using loop = new LoopWatch()
  const none = { min: 0, max: 0, mean: 0, stddev: 0, p50: 0, p90: 0, p99: 0 }
  assert.deepEqual(loop.take(), none)
})

test('reports once that the loop has come to rest, and again after it has worked', async () => {
  let rests = 0
  using loop = new LoopWatch({ onRest: () => void rests++, restMs: 1 })
  await eventually(async () => assert.equal(rests, 1))
  const working = setInterval(() => block(5), 1)
  await eventually(async () => assert.equal(loop.pauseMs, BUSY_SAMPLE_MS))
  assert.equal(rests, 1)
  clearInterval(working)
  await eventually(async () => assert.equal(rests, 2))
})
