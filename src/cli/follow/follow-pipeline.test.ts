import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FakeNarwhal, fakeNarwhal } from '#root/test/support/cli/fake-narwhal.ts'
import { type RecordedIo, recordedIo } from '#root/test/support/cli/recorded-io.ts'
import { Screen } from '#root/test/support/cli/screen.ts'
import { aJob, aLine, anAttempt, aPipeline, aStep, NOON } from '#root/test/support/cli/views.ts'
import { eventually } from '#root/test/support/eventually.ts'
import { ApiClient } from '../../client/client.ts'
import type { JobView } from '../../contract/rest/views.ts'
import type { Outcome } from '../../core/outcome.ts'
import { followPipeline } from './follow-pipeline.ts'

const DONE = { status: 'finished', startedAt: NOON, finishedAt: NOON + 1500 } as const
const INSTALL = aStep(0, 'install', { status: 'running', startedAt: NOON })
const TEST = aStep(1, 'test')
const INSTALLED = aStep(0, 'install', { ...DONE, outcome: 'success' })
const TESTING = aStep(1, 'test', { status: 'running', startedAt: NOON })

function build(steps: JobView['attempts'][number]['steps'], lines: number): JobView {
  return aJob('build', [INSTALL, TEST], { attempts: [anAttempt(steps, { lines })] })
}

function built(outcome: Outcome, lines: number): JobView {
  const steps = [INSTALLED, aStep(1, 'test', { ...DONE, outcome, exitCode: 2 })]
  const attempt = anAttempt(steps, { status: 'finished', outcome, lines })
  return aJob('build', steps, { ...DONE, outcome, attempts: [attempt] })
}

const ended = (outcome: Outcome) => aPipeline({ ...DONE, outcome, finishedAt: NOON + 12_300 })

function follow(fake: FakeNarwhal, io: RecordedIo): Promise<Outcome> {
  const client = new ApiClient({ server: fake.url }, io.signal)
  return followPipeline(client, 'pipeline_1', io, io.signal)
}

test('follows a pipeline line by line through a lost connection, with no hole and nothing twice', async () => {
  await using fake = await fakeNarwhal()
  fake.pipelines.push(aPipeline({ status: 'pending' }))
  const io = recordedIo({ now: () => NOON })
  const outcome = follow(fake, io)
  await eventually(() => fake.topics.length === 1)
  fake.change(aPipeline())
  const job = build([INSTALL, TEST], 0)
  fake.change(job)
  fake.log(job, aLine(0, 0, 'fetch'))
  await eventually(() => io.stdout.text.includes('fetch'))
  fake.drop()
  fake.log(job, aLine(1, 0, 'done'))
  fake.change(build([INSTALLED, TESTING], 2))
  await eventually(() => io.stdout.text.includes('▸ build/test'))
  assert.equal(fake.connections, 2)
  fake.log(job, aLine(2, 1, 'boom'))
  fake.change(built('failure', 3))
  fake.change(ended('failure'))
  fake.endLog(job)
  assert.equal(await outcome, 'failure')
  assert.equal(
    io.stdout.text,
    `12:00:01 team/app#12  main  1a2b3c4d5e  Fix the flux  Ada
12:00:01 ▸ build on build-1
12:00:01 ▸ build/install
12:00:01 build/install │ fetch
12:00:01 build/install │ done
12:00:02 ✔ build/install success in 1.5 s
12:00:01 ▸ build/test
12:00:01 build/test │ boom
12:00:02 ✖ build/test failure in 1.5 s (exit code 2)
12:00:02 ✖ build failure in 1.5 s
✖ test failure (exit code 2); last lines:
  │ boom
✖ team/app#12 failure in 12.3 s
`,
  )
})

test('shows a pipeline live on a terminal and leaves the whole story there', async () => {
  await using fake = await fakeNarwhal()
  fake.pipelines.push(aPipeline())
  const io = recordedIo({ tty: true, env: { NO_COLOR: '1' }, now: () => NOON + 2000 })
  const screen = () => new Screen(80).write(io.stdout.text)
  const outcome = follow(fake, io)
  await eventually(() => fake.topics.length === 1)
  const job = build([INSTALLED, TESTING], 0)
  fake.change(job)
  fake.log(job, aLine(0, 1, 'one'), aLine(1, 1, 'two \x1b[2J\x1b]0;x\x07three'))
  await eventually(() => {
    assert.deepEqual(screen().lines, [
      'team/app#12  main  1a2b3c4d5e  Fix the flux  Ada',
      '✔ install  1.5 s',
      '⠋ test  2.0 s',
      '  │ one',
      '  │ two three',
      '  2.0 s',
    ])
  })
  assert.equal(screen().cursorHidden, true)
  fake.change(built('success', 2))
  fake.change(ended('success'))
  fake.endLog(job)
  assert.equal(await outcome, 'success')
  assert.equal(screen().cursorHidden, false)
  assert.deepEqual(screen().lines, [
    'team/app#12  main  1a2b3c4d5e  Fix the flux  Ada',
    '✔ install  1.5 s',
    '✔ test  1.5 s',
    '✔ team/app#12 success in 12.3 s',
  ])
})

test('gives the cursor back and ends the view on Ctrl-C', async () => {
  await using fake = await fakeNarwhal()
  fake.pipelines.push(aPipeline())
  fake.jobs.push(build([INSTALL, TEST], 0))
  const io = recordedIo({ tty: true, now: () => NOON })
  const outcome = follow(fake, io)
  const screen = () => new Screen(80).write(io.stdout.text)
  await eventually(() => screen().cursorHidden)
  io.interrupt()
  await assert.rejects(outcome, { code: 'cancelled' })
  assert.equal(screen().cursorHidden, false)
  assert.equal(io.exitListeners, 0)
  assert.deepEqual(screen().lines, ['team/app#12  main  1a2b3c4d5e  Fix the flux  Ada'])
})

test('shows a pipeline that has ended already', async () => {
  await using fake = await fakeNarwhal()
  fake.pipelines.push(ended('failure'))
  const job = built('failure', 1)
  fake.jobs.push(job)
  fake.log(job, aLine(0, 1, 'boom'))
  fake.endLog(job)
  const io = recordedIo({ tty: true, env: { NO_COLOR: '1' } })
  assert.equal(await follow(fake, io), 'failure')
  assert.deepEqual(new Screen(80).write(io.stdout.text).lines, [
    'team/app#12  main  1a2b3c4d5e  Fix the flux  Ada',
    '✔ install  1.5 s',
    '✖ test failure (exit code 2)  1.5 s',
    '✖ test failure (exit code 2); last lines:',
    '  │ boom',
    '✖ team/app#12 failure in 12.3 s',
  ])
})

test('reads the present state anew when what it missed is no longer kept', async () => {
  await using fake = await fakeNarwhal()
  fake.pipelines.push(aPipeline())
  const io = recordedIo({ now: () => NOON })
  const outcome = follow(fake, io)
  await eventually(() => fake.topics.length === 1)
  fake.forget = true
  fake.drop()
  const job = built('success', 0)
  fake.change(job)
  fake.change(ended('success'))
  fake.endLog(job)
  assert.equal(await outcome, 'success')
  assert.match(io.stdout.text, /✔ build success/)
})

test('rejects with the server’s words when there is no such pipeline or no right to see it', async () => {
  await using fake = await fakeNarwhal()
  await assert.rejects(follow(fake, recordedIo()), { code: 'not_found' })
  fake.token = 'nwl_x'
  await assert.rejects(follow(fake, recordedIo()), { code: 'unauthenticated' })
})

test('reads the logs of more jobs than one connection may have subscriptions', async () => {
  await using fake = await fakeNarwhal()
  fake.pipelines.push(ended('success'))
  const done = { ...DONE, outcome: 'success' } as const
  const attempts = [anAttempt([INSTALLED], { status: 'finished', outcome: 'success', lines: 1 })]
  for (let index = 0; index < 150; index += 1) {
    const job = aJob(`j${index}`, [INSTALLED], { ...done, attempts })
    fake.jobs.push(job)
    fake.log(job, aLine(0, 0, `from ${job.name};`))
  }
  const io = recordedIo({ now: () => NOON })
  const outcome = follow(fake, io)
  await eventually(() => fake.topics.length === 91)
  for (const job of fake.jobs) fake.endLog(job)
  assert.equal(await outcome, 'success')
  for (const job of fake.jobs) assert.ok(io.stdout.text.includes(`from ${job.name};`), job.name)
})
