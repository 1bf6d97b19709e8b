import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chunkOf, linesOf } from '../../contract/log/log-chunk.ts'
import { clockOffset, onOurClock } from './clock-offset.ts'

test('clocks that agree are not moved, however long the message took', () => {
  assert.equal(clockOffset(1_000, { openedAt: 1_000, arrivedAt: 1_000 }), 0)
  assert.equal(clockOffset(1_010, { openedAt: 1_000, arrivedAt: 1_500 }), 0)
})

test('a clock that is off is moved by the least that explains it', () => {
  assert.equal(clockOffset(61_020, { openedAt: 1_000, arrivedAt: 1_040 }), -59_980)
  assert.equal(clockOffset(-58_980, { openedAt: 1_000, arrivedAt: 1_040 }), 59_980)
})

test('an event of a runner whose clock is off gets the time of ours, and so do the lines of a log', () => {
  const started = { seq: 1, at: 2000, event: { type: 'started', instanceId: 'i' } } as const
  assert.deepEqual(onOurClock(started, 7), { ...started, at: 2007 })
  assert.deepEqual(onOurClock({ seq: 2, at: 2000 }, -7), { seq: 2, at: 1993 })
  const chunk = chunkOf(0, [{ at: 2000, stream: 'stdout', text: 'one' }])
  const log = onOurClock({ seq: 3, at: 2001, event: { type: 'log', chunk } }, 7)
  assert.equal(log.at, 2008)
  assert.ok(log.event?.type === 'log')
  assert.deepEqual(linesOf(log.event.chunk), [{ at: 2007, stream: 'stdout', text: 'one' }])
})
