import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { runnerByHand } from '../../test/support/runner-by-hand.ts'
import { Fault } from '../contract/gen/narwhal/v1/runner_pb.js'

test('a runner that is closed lets its jobs finish and takes no others', async () => {
  await using at = await runnerByHand()
  const attempt = at.begin(['one', 'two'])
  const step = await at.step(1)
  let isClosed = false
  const waiting = at.begin(['one'], { jobId: 'job_3' })
  waiting.confirms = false
  await eventually(() => at.runner.busy === 2)
  const closed = at.runner.close({ deadlineMs: 60_000 }).then(() => (isClosed = true))
  await waiting.untilFinished()
  assert.equal(waiting.fault, Fault.HANDED_BACK)
  waiting.acknowledge()
  const refused = await at.begin(['one'], { jobId: 'job_2' }).untilEnded()
  assert.equal(refused?.code, 'exhausted')
  await at.client.drain({ draining: false })
  assert.ok(at.runner.draining)
  step.exit(0)
  ;(await at.step(2)).exit(0)
  await attempt.untilFinished()
  assert.equal(attempt.words.at(-1), 'finished success')
  assert.equal(isClosed, false)
  attempt.acknowledge()
  await closed
})

test('a runner that is closed hands back what does not end in time, and waits until that is heard', async () => {
  await using at = await runnerByHand()
  const attempt = at.begin(['one', 'two'])
  const alone = at.begin(['one'], { jobId: 'job_2' })
  await at.step(2)
  alone.break()
  await eventually(() => at.runner.orphans.length === 1)
  const closed = at.runner.close({ deadlineMs: 100 })
  await attempt.untilFinished()
  const { words } = attempt
  assert.match(words.at(-1) ?? '', /^finished error: .*runner test was stopped: the job is handed/)
  assert.equal(words.at(-2), 'step 1 ended skipped')
  assert.equal(attempt.fault, Fault.HANDED_BACK)
  assert.equal(attempt.ended, undefined)
  attempt.acknowledge()
  await closed
  assert.equal(await attempt.untilEnded(), null)
  // Nobody asks about the other one: its report stays on the disk.
  assert.deepEqual(
    at.runner.orphans.map(({ jobId }) => jobId),
    ['job_2'],
  )
})

test('a disposal cuts the closing short', async () => {
  await using at = await runnerByHand()
  at.begin(['one'])
  const step = await at.step(1)
  const closed = at.runner.close({ deadlineMs: 3_600_000 })
  await at.runner[Symbol.asyncDispose]()
  assert.ok(step.signal.aborted)
  await closed
})
