import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FakeNarwhal, fakeNarwhal } from '#root/test/support/cli/fake-narwhal.ts'
import type { RecordedIoOptions } from '#root/test/support/cli/recorded-io.ts'
import { startCommand } from '#root/test/support/cli/run-command.ts'
import { aJob, aLine, anAttempt, aPipeline, aStep, NOON } from '#root/test/support/cli/views.ts'
import { eventually } from '#root/test/support/eventually.ts'

const STEP = aStep(0, 'test')
const JOB = aJob('build', [STEP])
const ENDED = { status: 'finished', outcome: 'success' } as const
const SUCCESS = aJob('build', [STEP], { ...ENDED, attempts: [anAttempt([STEP], ENDED)] })

const start = (fake: FakeNarwhal, line: string, options?: RecordedIoOptions) =>
  startCommand(fake.url, line, options)

async function run(fake: FakeNarwhal, line: string, options?: RecordedIoOptions) {
  const { io, done } = start(fake, line, options)
  await done
  return io
}

async function withLogs(): Promise<FakeNarwhal> {
  const fake = await fakeNarwhal()
  const lint = aJob('lint', [STEP])
  fake.pipelines.push(aPipeline())
  fake.jobs.push(JOB, lint)
  fake.log(JOB, aLine(0, 0, 'plain\ttab'), aLine(1, 0, '\x1b[31mred\x1b[2J\x1b]0;x\x07'))
  fake.log(lint, aLine(0, 0, 'clean'))
  return fake
}

test('prints the log of one job, and of each job of a pipeline under its name', async () => {
  await using fake = await withLogs()
  assert.equal((await run(fake, 'logs job_build')).stdout.text, 'plain\ttab\nred\n')
  const pipeline = await run(fake, 'logs team/app#12')
  assert.equal(pipeline.stdout.text, '==> build\nplain\ttab\nred\n\n==> lint\nclean\n')
  const lint = await run(fake, 'logs pipeline_1 --job lint')
  assert.equal(lint.stdout.text, 'clean\n')
})

test('a job that was never run has no heading', async () => {
  await using fake = await withLogs()
  const end = { status: 'finished', outcome: 'skipped' } as const
  fake.jobs.splice(1, 0, aJob('deploy', [STEP], { ...end, attempts: [] }))
  const { stdout } = await run(fake, 'logs team/app#12')
  assert.equal(stdout.text, '==> build\nplain\ttab\nred\n\n==> lint\nclean\n')
})

test('keeps the colours of a log on a terminal, and nothing else', async () => {
  await using fake = await withLogs()
  const io = await run(fake, 'logs job_build', { tty: true })
  assert.equal(io.stdout.text, 'plain\ttab\n\x1b[31mred\x1b[0m\n')
  const plain = await run(fake, 'logs job_build', { tty: true, env: { NO_COLOR: '1' } })
  assert.equal(plain.stdout.text, 'plain\ttab\nred\n')
})

test('prints the time of each line, or the lines as one JSON document', async () => {
  await using fake = await withLogs()
  const timed = await run(fake, 'logs job_build -t')
  assert.match(timed.stdout.text, /^\d{4}-\d\d-\d\dT[\d:.]+Z plain\ttab\n/)
  const io = await run(fake, 'logs pipeline_1 --json')
  const { logs } = JSON.parse(io.stdout.text)
  assert.deepEqual(logs, [
    {
      jobId: 'job_build',
      attempt: 1,
      name: 'build',
      lines: fake.logs.get('job_build'),
      complete: true,
    },
    {
      jobId: 'job_lint',
      attempt: 1,
      name: 'lint',
      lines: fake.logs.get('job_lint'),
      complete: true,
    },
  ])
})

test('writes a long JSON log in pieces that make one document', async () => {
  await using fake = await withLogs()
  fake.logs.set(
    'job_build',
    Array.from({ length: 10_000 }, (_, at) => aLine(at, 0, `${at}`)),
  )
  const io = await run(fake, 'logs job_build --json')
  const { lines } = JSON.parse(io.stdout.text).logs[0]
  assert.equal(JSON.stringify(lines), JSON.stringify(fake.logs.get('job_build')))
})

test('follows a job through a broken connection, and exits as it ended', async () => {
  await using fake = await withLogs()
  const { io, done } = start(fake, 'logs job_build --follow')
  await eventually(() => io.stdout.text.includes('red'))
  fake.log(JOB, aLine(2, 0, 'three'))
  await eventually(() => io.stdout.text.includes('three'))
  fake.drop()
  fake.log(JOB, aLine(3, 0, 'four'))
  await eventually(() => io.stdout.text.includes('four'))
  fake.change(SUCCESS)
  fake.endLog(JOB)
  await done
  assert.equal(io.stdout.text, 'plain\ttab\nred\nthree\nfour\n')
  assert.equal(io.exitCode, 0)
})

test('exits with 1 when the followed job fails, and with its attempt when one is named', async () => {
  await using fake = await withLogs()
  const failed = anAttempt([STEP], { status: 'finished', outcome: 'error' })
  const again = anAttempt([STEP], { number: 2, status: 'finished', outcome: 'success' })
  fake.jobs[0] = { ...SUCCESS, attempt: 2, attempts: [failed, again] }
  fake.endLog(JOB)
  assert.equal((await run(fake, 'logs job_build --follow --attempt 1')).exitCode, 1)
  assert.equal((await run(fake, 'logs job_build --follow')).exitCode, 0)
  fake.jobs[0] = { ...SUCCESS, outcome: 'cancelled' }
  assert.equal((await run(fake, 'logs job_build --follow')).exitCode, 1)
})

test('follows all jobs of a pipeline, waiting for them to be planned', async () => {
  await using fake = await fakeNarwhal()
  fake.pipelines.push(aPipeline({ status: 'pending' }))
  const { io, done } = start(fake, 'logs team/app#12 --follow', {
    tty: true,
    env: { NO_COLOR: '1' },
  })
  await eventually(() => fake.topics.length === 1)
  const lint = aJob('lint', [STEP], { ...ENDED, attempts: [anAttempt([STEP], ENDED)] })
  fake.jobs.push(lint)
  fake.change(SUCCESS)
  for (const job of [SUCCESS, lint]) {
    fake.log(job, aLine(0, 0, `from ${job.name}`))
    fake.endLog(job)
  }
  fake.change(aPipeline({ status: 'finished', outcome: 'failure', finishedAt: NOON + 1000 }))
  await done
  assert.match(io.stdout.text, /build\/test │ from build\n/)
  assert.match(io.stdout.text, /lint\/test │ from lint\n/)
  assert.equal(io.exitCode, 1)
})

test('waits for a started pipeline, silently or shown, and exits as it ended', async () => {
  await using fake = await fakeNarwhal()
  fake.pipelines.push(
    aPipeline({ status: 'finished', outcome: 'success', finishedAt: NOON + 1000 }),
  )
  fake.jobs.push(SUCCESS)
  fake.endLog(JOB)
  const waited = await run(fake, 'pipeline start team/app --wait')
  assert.deepEqual([waited.stdout.text, waited.exitCode], ['✔ team/app#12 success in 1.0 s\n', 0])
  const shown = await run(fake, 'pipeline start team/app --follow')
  assert.match(shown.stdout.text, /▸ build on build-1\n[^]*✔ team\/app#12 success in 1\.0 s\n$/)
  const json = await run(fake, 'pipeline start team/app --wait --json')
  assert.equal(JSON.parse(json.stdout.text).pipeline.outcome, 'success')
  fake.pipelines[0] = aPipeline({ status: 'finished', outcome: 'cancelled', finishedAt: NOON })
  assert.equal((await run(fake, 'pipeline start team/app --wait')).exitCode, 1)
})

test('says on Ctrl-C that the pipeline keeps running', async () => {
  await using fake = await fakeNarwhal()
  fake.pipelines.push(aPipeline())
  const { io, done } = start(fake, 'pipeline start team/app --wait')
  await eventually(() => fake.topics.length === 1)
  io.interrupt()
  await done
  assert.equal(io.exitCode, 130)
  assert.equal(
    io.stderr.text,
    'team/app#12 keeps running; cancel it with: narwhal pipeline cancel team/app#12\n',
  )
})
