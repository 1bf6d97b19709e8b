import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StartOrder } from '../../../test/support/attempt-client.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { jobJson } from '../../../test/support/job-json.ts'
import { runnerByHand } from '../../../test/support/runner-by-hand.ts'

/** Two steps, one for a failure, and two that always run. */
const STEPS = [
  { command: 'one' },
  { command: 'two' },
  { command: 'complain', runsOn: 'failure' },
  { command: 'tidy', runsOn: 'always' },
  { command: 'sweep', runsOn: 'always' },
] as const

function orderWith(more: Partial<StartOrder> = {}, steps: readonly object[] = STEPS) {
  return { job: jobJson({ steps: [...steps] as never }), cleanupMs: 60_000n, ...more }
}

test('after a cancel the steps that always run do so, with the reason, and the attempt ends after them', async () => {
  await using at = await runnerByHand()
  const attempt = at.begin([], orderWith())
  const one = await at.step(1)
  assert.equal(one.env['NARWHAL_JOB_STATUS'], 'success')
  attempt.cancel('cancelled by ada')
  const tidy = await at.step(2)
  assert.ok(one.signal.aborted)
  assert.ok(!tidy.signal.aborted)
  assert.equal(tidy.env['NARWHAL_JOB_STATUS'], 'cancelled')
  assert.equal(at.runner.busy, 1)
  void tidy.write('tidied\n')
  tidy.exit(7)
  const sweep = await at.step(3)
  sweep.exit(0)
  await attempt.untilFinished()
  assert.deepEqual(attempt.words, [
    'started',
    'step 0',
    'log 0 cancelled by ada',
    'step 0 ended cancelled: cancelled by ada',
    'step 1 ended skipped',
    'step 2 ended skipped',
    'step 3',
    'log 3 tidied',
    'log 3 exit code 7',
    'step 3 ended failure: exit code 7',
    'step 4',
    'step 4 ended success',
    'finished cancelled: step "step 0": cancelled by ada',
  ])
  await eventually(() => at.runner.busy === 0)
})

test('the same after the timeout of the job, which keeps its reason', async () => {
  await using at = await runnerByHand()
  const attempt = at.begin([], orderWith({ timeoutMs: 4_000n }))
  await at.step(1)
  const tidy = await at.step(2)
  assert.equal(tidy.env['NARWHAL_JOB_STATUS'], 'timeout')
  tidy.exit(0)
  ;(await at.step(3)).exit(0)
  await attempt.untilFinished()
  assert.match(
    attempt.words.at(-1) ?? '',
    /^finished timeout: .*the job took longer than its limit/,
  )
})

test('a second cancel ends the cleanup, and one that is only repeated does not', async () => {
  await using at = await runnerByHand()
  const attempt = at.begin([], orderWith())
  await at.step(1)
  attempt.cancel('cancelled by ada')
  const tidy = await at.step(2)
  attempt.cancel('cancelled by ada')
  await eventually(() => attempt.heartbeats.length > 1)
  assert.ok(!tidy.signal.aborted)
  attempt.cancel('cancelled by ada', true)
  await attempt.untilFinished()
  assert.ok(tidy.signal.aborted)
  assert.equal(at.executor.steps.length, 2)
  assert.ok(attempt.words.includes('step 3 ended cancelled: cancelled by ada'))
  assert.ok(attempt.words.includes('step 4 ended skipped'))
  assert.match(attempt.words.at(-1) ?? '', /^finished cancelled/)
})

test('the cleanup ends with its time, whatever it does', async () => {
  await using at = await runnerByHand()
  const attempt = at.begin([], orderWith({ cleanupMs: 200n }))
  await at.step(1)
  attempt.cancel('enough')
  await at.step(2)
  await attempt.untilFinished()
  const words = 'the cleanup took longer than its limit of 200 ms (`cleanup-timeout`)'
  assert.ok(attempt.words.includes(`step 3 ended timeout: ${words}`), attempt.words.join('\n'))
  assert.ok(attempt.words.includes('step 4 ended skipped'))
  assert.match(attempt.words.at(-1) ?? '', /^finished cancelled/)
})

test('a step that always runs and is running when the job is cancelled runs on', async () => {
  await using at = await runnerByHand()
  const attempt = at.begin([], orderWith({}, STEPS.slice(3)))
  const tidy = await at.step(1)
  assert.equal(tidy.env['NARWHAL_JOB_STATUS'], 'success')
  attempt.cancel('enough')
  await eventually(() => attempt.heartbeats.length > 1)
  assert.ok(!tidy.signal.aborted)
  tidy.exit(0)
  const sweep = await at.step(2)
  assert.equal(sweep.env['NARWHAL_JOB_STATUS'], 'cancelled')
  sweep.exit(0)
  await attempt.untilFinished()
  assert.ok(attempt.words.includes('step 0 ended success'))
  assert.equal(attempt.words.at(-1), 'finished cancelled: enough')
})

test('there is no cleanup without time for it, without such a step, or before a step has begun', async () => {
  await using at = await runnerByHand()
  const opened = Promise.withResolvers<void>()
  const without = [orderWith({ cleanupMs: 0n }), orderWith({ jobId: 'job_2' }, STEPS.slice(0, 3))]
  for (const [index, order] of without.entries()) {
    const attempt = at.begin([], order)
    await at.step(index + 1)
    attempt.cancel('enough')
    await attempt.untilFinished()
    assert.equal(at.executor.steps.length, index + 1)
  }
  at.executor.beforeOpen = () => opened.promise
  const early = at.begin([], orderWith({ jobId: 'job_3' }))
  await eventually(() => at.executor.opened.length === 3)
  early.cancel('enough')
  opened.resolve()
  await early.untilFinished()
  assert.equal(at.executor.steps.length, 2)
})

test('a lost lease, a newer attempt and the end of the runner end the cleanup, and none begins after them', async () => {
  await using at = await runnerByHand({ orphanMs: 1_500 })
  const lease = { leaseMs: 1_000 }
  const paused = at.begin([], orderWith(lease))
  await at.step(1)
  paused.cancel('enough')
  const tidy = await at.step(2)
  paused.confirms = false
  await paused.untilFinished()
  assert.ok(tidy.signal.aborted)
  assert.match(paused.words.at(-1) ?? '', /^finished cancelled/)
  const lost = at.begin([], orderWith({ ...lease, jobId: 'job_2' }))
  await at.step(3)
  lost.confirms = false
  await lost.untilFinished()
  assert.equal(at.executor.steps.length, 3)

  const first = at.begin([], orderWith({ jobId: 'job_3' }))
  await at.step(4)
  first.cancel('enough')
  await at.step(5)
  const again = at.begin([], orderWith({ jobId: 'job_3', attempt: 2, fence: 2n }))
  await first.untilFinished()
  ;(await at.step(6)).exit(0)
  again.break()
})

test('only a second stop leaves a step no time to end', async () => {
  await using at = await runnerByHand()
  const attempt = at.begin([], orderWith())
  const one = await at.step(1)
  attempt.cancel('cancelled by ada')
  const tidy = await at.step(2)
  assert.ok(one.signal.aborted)
  assert.equal(one.atOnce?.aborted, false)
  attempt.cancel('cancelled by ada', true)
  await attempt.untilFinished()
  assert.ok(tidy.signal.aborted)
  assert.ok(tidy.atOnce?.aborted)
})

test('the end of the time for a cleanup leaves its step time to end', async () => {
  await using at = await runnerByHand()
  const attempt = at.begin([], orderWith({ cleanupMs: 100n }))
  await at.step(1)
  attempt.cancel('cancelled by ada')
  const tidy = await at.step(2)
  let isAtOnce: boolean | undefined
  tidy.signal.addEventListener('abort', () => (isAtOnce = tidy.atOnce?.aborted))
  await attempt.untilFinished()
  assert.equal(isAtOnce, false)
})
