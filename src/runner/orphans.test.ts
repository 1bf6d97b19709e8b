import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  AttemptClient,
  orderOf,
  type RunnerClient,
  runnerClient,
} from '../../test/support/attempt-client.ts'
import { eventually } from '../../test/support/eventually.ts'
import { runnerByHand } from '../../test/support/runner-by-hand.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { startTestRunner } from '../../test/support/test-runner.ts'
import { Fault, type OrphanAttempt } from '../contract/gen/narwhal/v1/runner_pb.js'
import { fromConnectError } from '../contract/rpc/rpc.ts'

/** The orphans of the newest sample, as words; no sample comes without a change. */
function watchOrphans(client: RunnerClient) {
  const abort = new AbortController()
  const seen: { orphans: string[] } = { orphans: [] }
  const watch = async () => {
    const samples = client.watchLoad({ intervalMs: 60_000 }, { signal: abort.signal })
    for await (const sample of samples) seen.orphans = sample.orphans.map(word)
  }
  const done = watch().catch(() => undefined)
  return {
    get orphans() {
      return seen.orphans
    },
    [Symbol.asyncDispose]: async () => {
      abort.abort()
      await done
    },
  }
}

const word = ({ jobId, attempt, fence }: OrphanAttempt) => `${jobId}/${attempt} ${fence}`

async function refusal(answer: Promise<unknown>): Promise<string> {
  return await answer.then(
    () => 'none',
    (error: unknown) => fromConnectError(error).code,
  )
}

test('tells of attempts that nobody asks about, until somebody does', async () => {
  await using at = await runnerByHand()
  await using watch = watchOrphans(at.client)
  const running = at.begin(['one'])
  await at.step(1)
  const ended = at.begin(['one'], { jobId: 'job_2', fence: 3n })
  ;(await at.step(2)).exit(0)
  await ended.untilFinished()
  assert.deepEqual(watch.orphans, [])
  ended.break()
  running.break()
  await eventually(() => assert.deepEqual(watch.orphans, ['job_1/1 1', 'job_2/1 3']))
  const again = at.begin([], { resume: true, fence: 2n })
  await eventually(() => assert.deepEqual(watch.orphans, ['job_2/1 3']))
  again.break()
  await eventually(() => assert.deepEqual(watch.orphans, ['job_1/1 2', 'job_2/1 3']))
})

test('ends and forgets what is discarded, unless somebody has a newer lease of it', async () => {
  await using at = await runnerByHand({ slots: 1 })
  const discard = (fence: bigint, attempt = 1) =>
    refusal(at.client.discard({ jobId: 'job_1', attempt, fence }))
  const attempt = at.begin(['one'], { fence: 5n })
  const step = await at.step(1)
  assert.equal(await discard(4n), 'stale')
  assert.equal(await discard(5n, 2), 'not_found')
  assert.equal(await refusal(at.client.discard({ jobId: '../x', attempt: 1 })), 'invalid')
  assert.equal(step.signal.aborted, false)
  assert.equal(await discard(5n), 'none')
  assert.equal((await attempt.untilEnded())?.code, 'stale')
  assert.ok(step.signal.aborted)
  await eventually(async () => (await at.workspaces()).length === 0 && at.runner.busy === 0)
  assert.equal(await discard(5n), 'not_found')
  assert.equal((await at.begin([], { fence: 5n, resume: true }).untilEnded())?.code, 'not_found')
  const spools = () => readdir(join(at.runner.dataDir, 'spool'))
  await eventually(async () => (await spools()).length === 0)
})

test('takes a slot with what is discarded until it has really ended', async () => {
  await using at = await runnerByHand({ slots: 1 })
  const opened = Promise.withResolvers<void>()
  at.executor.beforeOpen = () => opened.promise
  const first = at.begin(['one'])
  const isPhase = ({ event }: (typeof first.events)[0]) => event.case === 'phase'
  await eventually(() => first.events.filter(isPhase).length === 2)
  await at.client.discard({ jobId: 'job_1', attempt: 1, fence: 1n })
  assert.equal((await at.begin(['one']).untilEnded())?.code, 'stale')
  const other = () => at.begin(['one'], { jobId: 'job_2' })
  assert.equal((await other().untilEnded())?.code, 'exhausted')
  opened.resolve()
  await eventually(() => at.runner.busy === 0)
  other()
  await at.step(1)
})

test('offers what a former process left: its end as it was, or that it was cut off', async () => {
  await using data = await tempDir()
  const options = { name: 'left', dataDir: data.path }
  {
    await using at = await runnerByHand(options)
    const first = at.begin(['one'])
    void (await at.step(1)).write('hello\n')
    await eventually(() => first.words.includes('log 0 hello'))
    first.acknowledge(2)
    const second = at.begin(['one'], { jobId: 'job_2', fence: 7n })
    ;(await at.step(2)).exit(3)
    await second.untilFinished()
  }
  await using again = await startTestRunner(options)
  const client = runnerClient(again.transport)
  await using watch = watchOrphans(client)
  await eventually(() => assert.deepEqual(watch.orphans.toSorted(), ['job_1/1 1', 'job_2/1 7']))
  assert.equal(again.runner.busy, 0)
  const resume = (more: object) =>
    new AttemptClient(client, orderOf({}, [], { resume: true, ...more }))
  assert.equal((await resume({ jobId: 'job_2', fence: 6n }).untilEnded())?.code, 'stale')
  const second = resume({ jobId: 'job_2', fence: 8n })
  await second.untilFinished()
  assert.match(second.words.at(-1) ?? '', /^finished failure: .*exit code 3/)
  assert.equal(second.fault, Fault.UNSPECIFIED)
  const first = resume({ afterSeq: 2n })
  await first.untilFinished()
  assert.ok(first.words.includes('log 0 hello'))
  assert.match(first.words.at(-1) ?? '', /^finished error: .*runner left was stopped/)
  assert.equal(first.fault, Fault.HANDED_BACK)
  for (const attempt of [first, second]) {
    attempt.acknowledge()
    assert.equal(await attempt.untilEnded(), null)
  }
  await eventually(async () => (await readdir(data.join('spool'))).length === 0)
  assert.equal((await resume({ fence: 9n }).untilEnded())?.code, 'not_found')
})

test('discards what a former process left', async () => {
  await using data = await tempDir()
  {
    await using at = await runnerByHand({ dataDir: data.path })
    at.begin(['one'], { fence: 2n })
    await at.step(1)
  }
  await using again = await startTestRunner({ dataDir: data.path })
  const client = runnerClient(again.transport)
  const of = { jobId: 'job_1', attempt: 1 }
  assert.equal(await refusal(client.discard({ ...of, fence: 1n })), 'stale')
  assert.equal(await refusal(client.discard({ ...of, fence: 2n })), 'none')
  assert.equal(await refusal(client.discard({ ...of, fence: 2n })), 'not_found')
  await eventually(async () => (await readdir(data.join('spool'))).length === 0)
})
