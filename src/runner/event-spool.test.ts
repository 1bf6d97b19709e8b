import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventSpool } from './event-spool.ts'

function nextOf(spool: EventSpool, afterSeq: number) {
  const next = spool.next(afterSeq)
  assert.ok(!(next instanceof Promise))
  return next
}

function spoolOf(count: number): EventSpool {
  const spool = new EventSpool(() => {})
  for (let step = 0; step < count; step++) spool.append({ type: 'step_started', step })
  return spool
}

test('numbers events from 1 and gives the one behind a number', () => {
  const spool = spoolOf(3)
  assert.equal(spool.lastSeq, 3)
  assert.deepEqual(
    [0, 1, 2, 3, 9].map((seq) => nextOf(spool, seq)?.seq),
    [1, 2, 3, undefined, undefined],
  )
})

test('forgets what is acknowledged, once and never too much', () => {
  const spool = spoolOf(5)
  spool.acknowledge(2)
  spool.acknowledge(1)
  assert.equal(nextOf(spool, 0)?.seq, 3)
  assert.equal(nextOf(spool, 2)?.seq, 3)
  spool.acknowledge(99)
  assert.ok(spool.isEmpty)
  assert.equal(spool.bytes, 0)
  spool.append({ type: 'finished', outcome: 'success' })
  assert.equal(nextOf(spool, 5)?.seq, 6)
})

test('counts the bytes of log lines until they are acknowledged', () => {
  const spool = spoolOf(0)
  const line = { at: 0, stream: 'stdout' as const, text: 'x'.repeat(1000) }
  spool.append({ type: 'log', step: 0, lines: [line, line] })
  assert.ok(spool.bytes > 2000)
  spool.acknowledge(1)
  assert.equal(spool.bytes, 0)
})

test('asks to wait when much is not acknowledged, until there is room again', async () => {
  const spool = spoolOf(0)
  const lines = [{ at: 0, stream: 'stdout' as const, text: 'x'.repeat(1024 * 1024) }]
  while (!spool.room()) spool.append({ type: 'log', step: 0, lines })
  assert.ok(spool.lastSeq >= 8)
  let waits = true
  const room = spool.room()?.then(() => (waits = false))
  spool.acknowledge(2)
  await Promise.resolve()
  assert.ok(waits)
  spool.acknowledge(spool.lastSeq - 1)
  await room
  assert.equal(spool.room(), undefined)
})
