import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AttemptClient } from '../../test/support/attempt-client.ts'
import { eventually } from '../../test/support/eventually.ts'
import { runnerByHand } from '../../test/support/runner-by-hand.ts'
import { Fault } from '../contract/gen/narwhal/v1/runner_pb.js'

/** Heartbeats come every 200 ms, and what runs is stopped 700 ms after the last that was answered. */
const SHORT = { leaseMs: 1_000 }

/** Until the runner's own clock has gone so far beyond its first heartbeat. */
async function untilClock(attempt: AttemptClient, ms: number): Promise<void> {
  const { heartbeats } = attempt
  const begun = heartbeats.at(-1) ?? (await eventually(() => heartbeats[0] ?? null))
  await eventually(() => (heartbeats.at(-1) ?? 0) - begun > ms)
}

/** A runner whose sandboxes note when they are paused (true) and go on (false). */
async function stage(options: { orphanMs?: number } = {}) {
  const at = await runnerByHand(options)
  const pauses: boolean[] = []
  at.executor.onPause = (paused) => void pauses.push(paused)
  return { ...at, pauses }
}

test('prepares at once and starts no step before the lease is confirmed', async () => {
  await using at = await stage()
  const attempt = at.begin(['one'], SHORT)
  attempt.confirms = false
  await eventually(() => attempt.events.filter(({ event }) => event.case === 'phase').length === 3)
  await eventually(() => attempt.heartbeats.length > 2)
  for (const lie of [0, (attempt.heartbeats[0] ?? 0) + 1, 10 ** 12]) attempt.confirm(lie)
  await untilClock(attempt, 300)
  assert.deepEqual(attempt.words, ['started'])
  assert.equal(at.executor.steps.length, 0)
  assert.deepEqual(at.pauses, [])
  attempt.confirms = true
  ;(await at.step(1)).exit(0)
  await attempt.untilFinished()
  assert.equal(attempt.words.at(-1), 'finished success')
})

test('a stream begins with a heartbeat, and however much is told, more of them come', async () => {
  await using at = await stage()
  const attempt = at.begin(['one'], SHORT)
  const step = await at.step(1)
  const line = `${'x'.repeat(1023)}\n`
  while (attempt.heartbeats.length < 6) {
    void step.write(line.repeat(16))
    attempt.acknowledge()
    await nextTurn()
  }
  assert.equal(attempt.ended, undefined)
  step.exit(0)
  await attempt.untilFinished()
})

test('is paused when its lease expires, and resumed when it is confirmed again', async () => {
  await using at = await stage()
  const attempt = at.begin(['one', 'two'], SHORT)
  const step = await at.step(1)
  attempt.confirms = false
  await eventually(() => at.pauses.at(-1) === true)
  assert.equal(step.signal.aborted, false)
  // It ended just when it was paused: the next step has to wait.
  step.exit(0)
  await eventually(() => attempt.words.includes('step 0 ended success'))
  await untilClock(attempt, 1_000)
  assert.equal(at.executor.steps.length, 1)
  attempt.confirms = true
  ;(await at.step(2)).exit(0)
  assert.equal(at.pauses.at(-1), false)
  await attempt.untilFinished()
  assert.equal(attempt.words.at(-1), 'finished success')
})

test('pauses a sandbox that is opened when the lease is over already', async () => {
  await using at = await stage()
  const opened = Promise.withResolvers<void>()
  at.executor.beforeOpen = () => opened.promise
  const attempt = at.begin(['one'], SHORT)
  await eventually(() => at.executor.opened.length === 1 && attempt.heartbeats.length > 1)
  attempt.confirms = false
  await untilClock(attempt, 1_000)
  opened.resolve()
  await eventually(() => at.pauses.at(-1) === true)
  assert.equal(at.executor.steps.length, 0)
  attempt.confirms = true
  ;(await at.step(1)).exit(0)
  await attempt.untilFinished()
})

test('its timeout is paused with it', async () => {
  await using at = await stage()
  const attempt = at.begin(['one'], { ...SHORT, timeoutMs: 2_500n })
  const step = await at.step(1)
  attempt.confirms = false
  await eventually(() => at.pauses.at(-1) === true)
  await untilClock(attempt, 3_000)
  attempt.confirms = true
  await eventually(() => at.pauses.at(-1) === false)
  step.exit(0)
  await attempt.untilFinished()
  assert.equal(attempt.words.at(-1), 'finished success')
  const late = at.begin(['one'], { ...SHORT, jobId: 'job_2', timeoutMs: 1_000n })
  await late.untilFinished()
  assert.match(late.words.at(-1) ?? '', /^finished timeout/)
})

test('is ended by the fault of the runner when it can not be paused', async () => {
  await using at = await stage()
  at.executor.onPause = () => Promise.reject(new Error('no freezer'))
  const attempt = at.begin(['one'], SHORT)
  const step = await at.step(1)
  attempt.confirms = false
  await attempt.untilFinished()
  assert.ok(step.signal.aborted)
  assert.match(attempt.words.at(-1) ?? '', /lost its lease and could not be paused: no freezer/)
  assert.equal(attempt.fault, Fault.RUNNER)
  await eventually(() => at.executor.disposed === 1)
})

test('is given up when nobody lets it go on for long, and keeps its report', async () => {
  await using at = await stage({ orphanMs: 1_500 })
  const first = at.begin(['one'], SHORT)
  await at.step(1)
  first.break()
  await eventually(() => at.runner.busy === 0)
  const second = at.begin([], { ...SHORT, resume: true })
  await second.untilFinished()
  assert.match(
    second.words.at(-1) ?? '',
    /^finished error: .*no dispatcher confirmed its lease for/,
  )
  assert.equal(second.fault, Fault.RUNNER)
  assert.equal(at.pauses.at(-1), true)
})

test('believes nobody who has been replaced', async () => {
  await using at = await stage()
  const first = at.begin(['one'], SHORT)
  first.confirms = false
  await eventually(() => first.heartbeats.length > 0)
  const second = at.begin([], { ...SHORT, fence: 2n, resume: true })
  second.confirms = false
  assert.equal((await first.untilEnded())?.code, 'stale')
  first.confirm()
  first.cancel('no')
  await untilClock(second, 400)
  assert.equal(at.executor.steps.length, 0)
  assert.deepEqual(second.words, ['started'])
  assert.equal((await at.begin([], { resume: true }).untilEnded())?.code, 'stale')
  second.confirm()
  second.confirms = true
  await at.step(1)
})

test('a cancellation also ends it while it is paused', async () => {
  await using at = await stage()
  const attempt = at.begin(['one', 'two'], SHORT)
  await at.step(1)
  attempt.confirms = false
  await eventually(() => at.pauses.at(-1) === true)
  attempt.cancel('enough')
  await attempt.untilFinished()
  assert.match(attempt.words.at(-1) ?? '', /^finished cancelled: .*enough$/)
  assert.equal(attempt.fault, Fault.UNSPECIFIED)
  await eventually(() => at.executor.disposed === 1)
})
