import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { anyText } from '../../../test/support/any-plan.ts'
import { overTheWire } from '../../../test/support/over-the-wire.ts'
import type { AttemptEvent, NumberedEvent } from '../../core/attempt/attempt-event.ts'
import { MOST_CHUNK_BYTES, MOST_CHUNK_LINES } from '../../core/attempt/log-chunk.ts'
import { OUTCOMES } from '../../core/outcome.ts'
import {
  type Fault,
  LogAppendedSchema,
  Packing,
  type Phase,
  RunAttemptResponseSchema,
} from '../gen/narwhal/v1/runner_pb.js'
import { type AttemptMessage, messageFromProto, messageToProto } from './attempt-messages.ts'

const plain = { noNullPrototype: true } as const
const count = fc.nat(1_000_000)
const moment = fc.integer({ min: 0, max: 2 ** 45 })
const reason = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const outcome = fc.constantFrom(...OUTCOMES)
const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}`)

const chunk = fc.uint8Array({ maxLength: 40 }).chain((content) =>
  fc.record(
    {
      step: count,
      lineCount: fc.nat(MOST_CHUNK_LINES),
      size: fc.integer({ min: content.length, max: MOST_CHUNK_BYTES }),
      packing: fc.constantFrom('plain' as const, 'zstd' as const),
      content: fc.constant(content),
      clockOffsetMs: fc.constant(0),
    },
    plain,
  ),
)

const anyEvent: fc.Arbitrary<AttemptEvent> = fc.oneof(
  fc.record({ type: fc.constant('started' as const), instanceId: anyText }, plain),
  fc.record(
    {
      type: fc.constant('phase' as const),
      phase: fc.constantFrom('fetch' as const, 'checkout' as const, 'sandbox' as const),
      durationMs: count,
      images: fc.array(fc.record({ image: anyText, digest }, plain), {
        minLength: 1,
        maxLength: 3,
      }),
    },
    { ...plain, requiredKeys: ['type', 'phase', 'durationMs'] },
  ),
  fc.record({ type: fc.constant('step_started' as const), step: count }, plain),
  fc.record({ type: fc.constant('log' as const), chunk }, plain),
  fc.record(
    {
      type: fc.constant('step_finished' as const),
      step: count,
      outcome,
      exitCode: fc.integer({ min: -1, max: 255 }),
      reason,
    },
    { ...plain, requiredKeys: ['type', 'step', 'outcome'] },
  ),
  fc.record(
    {
      type: fc.constant('finished' as const),
      outcome,
      reason,
      fault: fc.constantFrom('runner' as const, 'handed_back' as const),
      outputs: fc.dictionary(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,9}$/), anyText, {
        ...plain,
        minKeys: 1,
        maxKeys: 3,
      }),
    },
    { ...plain, requiredKeys: ['type', 'outcome'] },
  ),
)

const anyMessage: fc.Arbitrary<AttemptMessage> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ seq: count, at: moment, event: anyEvent }, plain).map(told) },
  fc.record({ type: fc.constant('heartbeat' as const), at: moment, sentMs: moment }, plain),
  fc.record(
    {
      type: fc.constant('ask' as const),
      at: moment,
      ask: fc.record({ ask: count, names: fc.array(anyText) }, plain),
    },
    plain,
  ),
)

function told(event: NumberedEvent): AttemptMessage {
  return { type: 'event', event }
}

test('whatever a runner says on the stream of an attempt arrives as it was said', () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      const arrived = overTheWire(RunAttemptResponseSchema, messageToProto(message))
      assert.deepEqual(messageFromProto(arrived), message)
    }),
    { numRuns: 400 },
  )
})

test('an event of a kind that only newer runners know has its number, and nothing else', () => {
  const arrived = create(RunAttemptResponseSchema, { seq: 7n, atMs: 9n })
  assert.deepEqual(messageFromProto(arrived), { type: 'event', event: { seq: 7, at: 9 } })
})

test('what no runner of this version sends is refused', () => {
  const chunkOf = (over: object) =>
    create(LogAppendedSchema, { lineCount: 1, size: 10, packing: Packing.PLAIN, ...over })
  const outputs = { 'a b': 'x' }
  const wrong: MessageInitShape<typeof RunAttemptResponseSchema>['event'][] = [
    { case: 'log', value: chunkOf({ lineCount: MOST_CHUNK_LINES + 1 }) },
    { case: 'log', value: chunkOf({ size: MOST_CHUNK_BYTES + 1 }) },
    { case: 'log', value: chunkOf({ size: 1, content: new Uint8Array(2) }) },
    { case: 'log', value: chunkOf({ packing: 99 as Packing }) },
    { case: 'stepFinished', value: { outcome: 0 } },
    { case: 'phase', value: { phase: 99 as Phase } },
    { case: 'finished', value: { outcome: 1, fault: 99 as Fault } },
    { case: 'finished', value: { outcome: 1, outputs } },
  ]
  for (const event of wrong) {
    const arrived = create(RunAttemptResponseSchema, { seq: 1n, ...(event && { event }) })
    assert.throws(() => messageFromProto(arrived), { code: 'invalid' }, JSON.stringify(event?.case))
  }
})
