import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { headOf } from '../../test/support/attempt-client.ts'
import { eventually } from '../../test/support/eventually.ts'
import { HandExecutor } from '../../test/support/hand-executor.ts'
import { jobJson } from '../../test/support/job-json.ts'
import { runnerByHand } from '../../test/support/runner-by-hand.ts'
import { unpackable } from '../../test/support/spool.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { readGitEnv } from '../config/env.ts'
import { planFromJson } from '../contract/plan/plan-json.ts'
import { silentLog } from '../lib/log.ts'
import { startRunner } from './start-runner.ts'

test('runs the steps in the checkout, tells all in order, and leaves nothing behind', async () => {
  await using at = await runnerByHand()
  const attempt = at.begin(['one', 'two'])
  const first = await at.step(1)
  assert.equal(await readFile(join(first.workspace, 'a.txt'), 'utf8'), 'a')
  assert.equal(first.env['CI'], 'true')
  assert.equal(first.env['FROM'], 'job')
  assert.equal(at.runner.busy, 1)
  void first.write('hello\n')
  first.exit(0)
  ;(await at.step(2)).exit(0)
  await attempt.untilFinished()
  assert.deepEqual(attempt.words, [
    'started',
    'step 0',
    'log 0 hello',
    'step 0 ended success',
    'step 1',
    'step 1 ended success',
    'finished success',
  ])
  assert.deepEqual(
    attempt.events.map(({ seq }) => Number(seq)),
    attempt.events.map((_, i) => i + 1),
  )
  const phases = attempt.events.flatMap(({ event }) =>
    event.case === 'phase' ? [event.value.phase] : [],
  )
  assert.deepEqual(
    phases.toSorted((a, b) => a - b),
    [1, 2, 3],
  )
  assert.equal(attempt.ended, undefined)
  attempt.acknowledge()
  assert.equal(await attempt.untilEnded(), null)
  assert.equal(at.runner.busy, 0)
  await eventually(async () => (await at.workspaces()).length === 0 && at.executor.disposed === 1)
})

test('stops at the first step that fails, and skips the others', async () => {
  await using at = await runnerByHand()
  const attempt = at.begin(['one', 'two', 'three'])
  ;(await at.step(1)).exit(0)
  ;(await at.step(2)).exit(137, 'out of memory')
  await attempt.untilFinished()
  assert.deepEqual(attempt.words.slice(-5), [
    'step 1',
    'log 1 exit code 137: out of memory',
    'step 1 ended failure: exit code 137: out of memory',
    'step 2 ended skipped',
    'finished failure: step "step 1": exit code 137: out of memory',
  ])
})

test('installs the packages first; an image without a package manager is an error', async () => {
  await using at = await runnerByHand()
  const steps = [{ name: 'build', command: 'make', dependencies: ['make', 'git'] }]
  const job = jobJson({ steps })
  const attempt = at.begin([], { job })
  const install = await at.step(1)
  assert.match(install.script, /make/)
  install.exit(1)
  await attempt.untilFinished()
  assert.equal(
    attempt.words.at(-1),
    'finished failure: step "build": installing make, git failed: exit code 1',
  )
})

test('ends in error, with the reason, when the clone or the sandbox fails', async () => {
  await using at = await runnerByHand()
  const lost = at.begin(['one'], { commit: { ...at.commit, sha: 'ab'.repeat(20) } })
  await lost.untilFinished()
  assert.match(lost.words.at(-1) ?? '', /^finished error: commit (ab){20} is not in acme\/app/)
  assert.match(lost.words.at(-2) ?? '', /^step 0 ended skipped/)
  assert.ok(lost.words.some((word) => /^log 0 commit (ab){20} is not in acme\/app/.test(word)))

  at.executor.beforeOpen = async () => {
    throw new Error('no such image: nope')
  }
  const closed = at.begin(['one'], { jobId: 'job_2' })
  await closed.untilFinished()
  assert.equal(closed.words.at(-1), 'finished error: no such image: nope')
  assert.equal(at.executor.steps.length, 0)
  await eventually(async () => (await at.workspaces()).length === 0)
})

test('ends in error when the sandbox breaks under a step', async () => {
  await using at = await runnerByHand()
  const attempt = at.begin(['one', 'two'])
  ;(await at.step(1)).fail(new Error('the engine is gone'))
  await attempt.untilFinished()
  assert.equal(attempt.words.at(-1), 'finished error: step "step 0": the engine is gone')
})

test('cancels a running step, and one that still waits for its sandbox', async () => {
  await using at = await runnerByHand()
  const running = at.begin(['one', 'two'])
  const step = await at.step(1)
  running.cancel('Ada changed her mind')
  await running.untilFinished()
  assert.ok(step.signal.aborted)
  assert.deepEqual(running.words.slice(-3), [
    'step 0 ended cancelled: Ada changed her mind',
    'step 1 ended skipped',
    'finished cancelled: step "step 0": Ada changed her mind',
  ])

  at.executor.beforeOpen = (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const waiting = at.begin(['one'], { jobId: 'job_2' })
  await eventually(() => at.executor.opened.length === 2)
  waiting.cancel('enough')
  await waiting.untilFinished()
  assert.equal(waiting.words.at(-1), 'finished cancelled: enough')
})

test('ends an attempt that takes too long', async () => {
  await using at = await runnerByHand()
  const attempt = at.begin(['one'], { timeoutMs: 1_000n })
  await attempt.untilFinished()
  assert.match(attempt.words.at(-1) ?? '', /^finished timeout: .*longer than its limit of 1 s$/)
})

test('goes on when the stream breaks, and a resumed stream has each event exactly once', async () => {
  await using at = await runnerByHand()
  const first = at.begin(['one', 'two'])
  void (await at.step(1)).write('before\n')
  await eventually(() => first.words.includes('log 0 before'))
  const seen = first.events.length
  first.acknowledge(seen - 1)
  first.break()
  void at.executor.steps[0]?.write('between\n')
  at.executor.steps[0]?.exit(0)
  ;(await at.step(2)).exit(0)
  const second = at.begin([], { resume: true, afterSeq: BigInt(seen) })
  await second.untilFinished()
  assert.deepEqual(
    [...first.events.slice(0, seen), ...second.events].map(({ seq }) => Number(seq)),
    Array.from({ length: seen + second.events.length }, (_, i) => i + 1),
  )
  assert.ok(second.words.includes('log 0 between'))
  second.acknowledge()
  assert.equal(await second.untilEnded(), null)
  const third = at.begin([], { resume: true })
  assert.equal((await third.untilEnded())?.code, 'not_found')
})

test('attaches a second start to the attempt that runs, and tells the first reader', async () => {
  await using at = await runnerByHand()
  const first = at.begin(['one'])
  await at.step(1)
  const second = at.begin(['one'])
  await eventually(() => second.words.includes('step 0'))
  assert.equal((await first.untilEnded())?.code, 'stale')
  assert.equal(at.executor.steps.length, 1)
  assert.equal(at.runner.busy, 1)
  at.executor.steps[0]?.exit(0)
  await second.untilFinished()
})

test('refuses an older fence, and a newer attempt ends the older one', async () => {
  await using at = await runnerByHand()
  const first = at.begin(['one'], { fence: 5n })
  await at.step(1)
  for (const stale of [{ fence: 4n }, { fence: 4n, resume: true }, { fence: 4n, attempt: 2 }]) {
    assert.equal((await at.begin(['one'], stale).untilEnded())?.code, 'stale')
  }
  const second = at.begin(['one'], { fence: 6n, attempt: 2 })
  await first.untilFinished()
  assert.match(first.words.at(-1) ?? '', /^finished cancelled: .*attempt 2 of the job/)
  ;(await at.step(2)).exit(0)
  await second.untilFinished()
  assert.equal(second.words.at(-1), 'finished success')
})

test('starts no step before all of a former attempt of the job is gone', async () => {
  await using at = await runnerByHand()
  const gone = Promise.withResolvers<void>()
  at.executor.onDispose = () => gone.promise
  at.begin(['one'])
  await at.step(1)
  const second = at.begin(['one'], { fence: 2n, attempt: 2 })
  await eventually(() => second.events.filter(({ event }) => event.case === 'phase').length === 3)
  await eventually(() => second.heartbeats.length > 0)
  assert.equal(at.executor.steps.length, 1)
  gone.resolve()
  ;(await at.step(2)).exit(0)
  await second.untilFinished()
})

test('refuses what has no slot, what comes while it drains, and what is not an order', async () => {
  await using at = await runnerByHand({ slots: 1 })
  at.begin(['one'])
  await at.step(1)
  const full = await at.begin(['one'], { jobId: 'job_2' }).untilEnded()
  assert.equal(full?.code, 'exhausted')
  assert.match(full?.message ?? '', /full: 1 slot/)
  await at.client.drain({ draining: true })
  at.executor.steps[0]?.exit(0)
  await eventually(() => at.runner.busy === 0)
  const drains = await at.begin(['one'], { jobId: 'job_2' }).untilEnded()
  assert.match(drains?.message ?? '', /draining/)
  await at.client.drain({ draining: false })
  at.begin(['one'], { jobId: 'job_2' })
  await at.step(2)
  for (const wrong of [
    { jobId: '../../etc' },
    { jobId: 'job_3', attempt: 0 },
    { jobId: 'job_3', commit: { ...at.commit, sha: '--help' } },
    { jobId: 'job_3', commit: { ...at.commit, ref: '--upload-pack=x' } },
    { jobId: 'job_3', commit: { ...at.commit, repositoryId: 'repo_../x' } },
  ]) {
    assert.equal((await at.begin(['one'], wrong).untilEnded())?.code, 'invalid')
  }
})

test('lets a step wait whose output nobody takes, and loses none of it', async () => {
  await using at = await runnerByHand()
  const first = at.begin(['one'])
  const step = await at.step(1)
  await eventually(() => first.words.includes('step 0'))
  first.break()
  const text = () => Array.from({ length: 64 }, (_, n) => `${unpackable(1023, n)}\n`).join('')
  let waiting: void | Promise<void> = undefined
  let written = 0
  while (!waiting) {
    waiting = step.write(text())
    written += 64
  }
  assert.ok(written < 20_000)
  const second = at.begin([], { resume: true, afterSeq: 0n })
  await eventually(() => second.words.filter((word) => word.startsWith('log')).length === written)
  second.acknowledge()
  await waiting
  step.exit(0)
  await second.untilFinished()
})

test('ends everything when it is disposed while a job runs', async () => {
  await using at = await runnerByHand()
  const attempt = at.begin(['one'])
  const step = await at.step(1)
  await at.runner[Symbol.asyncDispose]()
  assert.ok(step.signal.aborted)
  assert.equal(at.executor.disposed, 1)
  assert.deepEqual(await at.workspaces(), [])
  await attempt.untilFinished()
  assert.equal(
    attempt.words.at(-1),
    'finished error: step "step 0": runner test was stopped: the job is handed back',
  )
  assert.equal((await at.begin(['one'], { jobId: 'job_2' }).untilEnded())?.code, 'exhausted')
})

test('clears what a former process left, and shares its folder with no other runner', async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('workspaces', 'job_old-1'), { recursive: true })
  await writeFile(dir.join('workspaces', 'job_old-1', 'a'), 'a')
  const start = () =>
    startRunner(
      { log: silentLog(), executor: new HandExecutor(), dataDir: dir.path, gitEnv: readGitEnv() },
      { name: 'one', slots: 1, labels: [] },
    )
  {
    await using _runner = await start()
    assert.deepEqual(await readdir(dir.join('workspaces')), [])
    await assert.rejects(start(), { code: 'conflict', message: /another runner uses/ })
  }
  await using _again = await start()
})

test('plans a commit: a plan, all problems, and what is missing', async () => {
  await using at = await runnerByHand()
  const plan = async () => at.client.planCommit({ commit: await headOf(at.repository) })
  const missing = await plan()
  assert.ok(missing.result.case === 'problems')
  assert.match(missing.result.value.problems[0]?.message ?? '', /there is no narwhal.yml/)
  await at.repository.commit(
    { 'narwhal.yml': 'steps:\n  - name: test\n    command: true x\n' },
    'Add',
  )
  const planned = await plan()
  assert.ok(planned.result.case === 'plan')
  assert.equal(planFromJson(planned.result.value).jobs[0]?.steps[0]?.name, 'test')
  assert.equal(planned.title, 'Add')
  assert.equal(planned.author, 'Ada')
  assert.equal(planned.instanceId, at.runner.instanceId)
  await at.repository.commit({ 'narwhal.yml': 'bad: [' })
  assert.equal((await plan()).result.case, 'problems')
})
