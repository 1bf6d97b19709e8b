import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chunkOf, linesOf } from '../../contract/log/log-chunk.ts'
import type { AttemptEvent } from '../../core/attempt/attempt-event.ts'
import { encodeRecords, eventOf, eventToBody, findRecord, seqOf } from './record.ts'

const line = (text: string, at = 1_700_000_000_007) => ({ at, stream: 'stderr' as const, text })

const EVENTS: readonly AttemptEvent[] = [
  { type: 'started', instanceId: 'instance_1' },
  { type: 'phase', phase: 'fetch', durationMs: 12 },
  { type: 'step_finished', step: 3, outcome: 'failure', exitCode: 2, reason: 'exit code 2' },
  { type: 'log', chunk: chunkOf(3, []) },
  { type: 'log', chunk: chunkOf(3, [line('')]) },
  {
    type: 'log',
    chunk: chunkOf(3, [line(' a  b \r'), line('ünï 🐋 \u2028 "\\', 0), line('o1 x')]),
  },
  { type: 'log', chunk: chunkOf(7, [line('long '.repeat(1000))]) },
  { type: 'finished', outcome: 'error', reason: 'why', fault: 'handed_back' },
]

test('gives every event back as it was', () => {
  const events = EVENTS.map((event, index) => ({ seq: 98 + index, at: 1_700_000_000_000, event }))
  const buffer = Buffer.concat(encodeRecords(events.map(eventToBody)))
  const bodies: Buffer[] = []
  for (let at = 0; at < buffer.length; ) {
    const found = findRecord(buffer, at)
    assert.ok(found.kind === 'record')
    bodies.push(found.body)
    at = found.end
  }
  assert.deepEqual(bodies.map(eventOf), events)
  assert.deepEqual(
    bodies.map(seqOf),
    events.map(({ seq }) => seq),
  )
})

test('notices every single wrong bit, and an end that is missing', () => {
  const event = { type: 'log', chunk: chunkOf(1, [line('hello')]) } as const
  const buffer = Buffer.concat(encodeRecords([eventToBody({ seq: 5, at: 3, event })]))
  for (let bit = 0; bit < buffer.length * 8; bit++) {
    const wrong = Buffer.from(buffer)
    wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.notEqual(findRecord(wrong, 0).kind, 'record')
  }
  for (let length = 0; length < buffer.length; length++) {
    assert.equal(findRecord(buffer.subarray(0, length), 0).kind, 'short')
  }
  assert.equal(findRecord(Buffer.alloc(100), 0).kind, 'damaged')
})

test('reads log lines as former versions wrote them', () => {
  const lines = [line(' a  b \r', 12), line('ünï 🐋', 7)]
  const plain = Buffer.from('l7 10 3\ne2  a  b \r\ne-5 ünï 🐋')
  const json = Buffer.from(
    `e8 ${JSON.stringify({ at: 10, event: { type: 'log', step: 3, lines } })}`,
  )
  for (const [body, seq] of [
    [plain, 7],
    [json, 8],
  ] as const) {
    const found = eventOf(body)
    assert.deepEqual([found.seq, found.at], [seq, 10])
    assert.ok(found.event.type === 'log')
    assert.equal(found.event.chunk.step, 3)
    assert.deepEqual(linesOf(found.event.chunk), lines)
  }
})
