import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aJob, anAttempt, aPipeline, aStep, NOON } from '../../test/support/cli/views.ts'
import { partsOf } from './parts.ts'

test('parts that run beside each other leave nothing twice to the rest', () => {
  const event = { ...aPipeline().event, receivedAt: NOON + 5 }
  const fetch = { name: 'fetch', startedAt: NOON + 22, durationMs: 30 }
  const plan = { name: 'plan', startedAt: NOON + 52, durationMs: 10 }
  const attempt = anAttempt(
    [aStep(0, 'hello', { startedAt: NOON + 400, finishedAt: NOON + 450 })],
    {
      assignedAt: NOON + 75,
      startedAt: NOON + 80,
      phases: [
        { name: 'fetch', startedAt: NOON + 82, durationMs: 0 },
        { name: 'checkout', startedAt: NOON + 82, durationMs: 40 },
        { name: 'sandbox', startedAt: NOON + 81, durationMs: 318 },
      ],
    },
  )
  const parts = partsOf(
    { sentAt: NOON, acceptedAt: NOON + 12, finishedAt: NOON + 470 },
    {
      pipeline: aPipeline({
        event,
        createdAt: NOON + 20,
        startedAt: NOON + 70,
        phases: [fetch, plan],
      }),
      seq: 1,
      jobs: [aJob('job', [], { attempts: [attempt], queuedAt: NOON + 70 })],
    },
  )
  assert.deepEqual(parts, {
    accept: 12,
    queue: 15,
    plan: 50,
    place: 5,
    checkout: 40,
    sandbox: 318,
    step: 50,
    report: 20,
    other: 7,
    fetch: 30,
    parse: 10,
    handover: 5,
  })
})
