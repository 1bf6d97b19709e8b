import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordedIo } from '#root/test/support/cli/recorded-io.ts'
import { aJob, aLine, anAttempt, aPipeline, aStep, NOON } from '#root/test/support/cli/views.ts'
import { textWidth } from '../terminal/text-width.ts'
import { lookOf } from './follow-pipeline.ts'
import { foldedLines, renderRegion } from './live-frame.ts'
import { reducePipeline, startModel } from './pipeline-model.ts'
import { summaryLines } from './summary.ts'

const PLAIN = lookOf(recordedIo())
const AT = NOON + 5000
const FRAME = { look: PLAIN, now: AT, columns: 60, rows: 24 }

const DONE = { status: 'finished', startedAt: NOON } as const
const STEPS = [
  aStep(0, 'install', { ...DONE, outcome: 'success', finishedAt: NOON + 1500 }),
  aStep(1, 'test', { status: 'running', startedAt: NOON + 1500 }),
  aStep(2, 'ship'),
]
const LINES = ['one', 'two', '\x1b[31mthree\x1b[2J', 'four', `five ${'x'.repeat(100)}`]

function withLog() {
  const job = aJob('build', STEPS)
  const lines = LINES.map((text, index) => aLine(index, 1, text))
  const model = startModel({ pipeline: aPipeline(), jobs: [job], seq: 1 })
  return reducePipeline(model, { type: 'log.appended', jobId: job.id, attempt: 1, lines })
}

test('shows the running step with its time and last lines, cut to the width', () => {
  assert.deepEqual(renderRegion(withLog(), FRAME), [
    '⠋ test  3.5 s',
    '  │ two',
    '  │ three',
    '  │ four',
    `  │ five ${'x'.repeat(49)}…`,
    '  5.0 s',
  ])
})

test('folds what has ended to one line each', () => {
  assert.deepEqual(
    foldedLines(withLog(), FRAME).map(({ line }) => line),
    ['✔ install  1.5 s'],
  )
})

test('does without Unicode where the locale has none', () => {
  const look = lookOf(recordedIo({ env: { LANG: 'C' } }))
  const frame = { ...FRAME, look }
  assert.deepEqual(renderRegion(withLog(), frame).slice(0, 2), ['| test  3.5 s', '  | two'])
  assert.equal(foldedLines(withLog(), frame)[0]?.line, '+ install  1.5 s')
})

test('names the job before the step where there are several, and what waits', () => {
  const jobs = [
    aJob('unit', STEPS),
    aJob('lint', [aStep(0, 'lint')], { status: 'assigned' }),
    aJob('deploy', [aStep(0, 'ship')], { status: 'blocked', attempts: [] }),
    aJob('docs', [], { ...DONE, outcome: 'skipped', reason: 'unit did not succeed', attempts: [] }),
  ]
  const model = startModel({ pipeline: aPipeline(), jobs, seq: 1 })
  assert.deepEqual(renderRegion(model, FRAME), [
    '⠋ unit/test  3.5 s',
    '⠋ lint: preparing on build-1  5.0 s',
    '  5.0 s · waiting: deploy',
  ])
  assert.deepEqual(
    foldedLines(model, FRAME).map(({ line }) => line),
    ['✔ unit/install  1.5 s', '○ docs skipped: unit did not succeed'],
  )
})

test('says what it waits for before any job runs', () => {
  const pipeline = aPipeline({ status: 'pending' })
  const planning = startModel({ pipeline, jobs: [], seq: 1 })
  assert.deepEqual(renderRegion(planning, FRAME), ['⠋ reading narwhal.yml', '  5.0 s'])
  const job = aJob('build', STEPS, { status: 'queued', attempts: [] })
  const queued = startModel({ pipeline, jobs: [job], seq: 1 })
  assert.equal(renderRegion(queued, FRAME)[0], '⠋ build is waiting for a runner')
})

test('never takes more room than the terminal has', () => {
  const jobs = Array.from({ length: 30 }, (_, index) => aJob(`job${index}`, STEPS))
  const model = startModel({ pipeline: aPipeline(), jobs, seq: 1 })
  for (const [columns, rows] of [
    [1, 1],
    [5, 3],
    [20, 10],
  ] as const) {
    const region = renderRegion(model, { ...FRAME, columns, rows })
    assert.ok(region.length <= Math.max(2, rows - 1), `${region.length} lines of ${rows}`)
    for (const line of region) assert.ok(textWidth(line) <= Math.max(1, columns - 1), line)
  }
})

test('ends with the last lines of what failed, and the outcome with the whole time', () => {
  const failed = aStep(1, 'test', {
    ...DONE,
    outcome: 'failure',
    exitCode: 2,
    finishedAt: NOON + 3000,
  })
  const job = aJob('build', STEPS, {
    ...DONE,
    outcome: 'failure',
    attempts: [anAttempt([failed], { status: 'finished', outcome: 'failure' })],
  })
  const pipeline = aPipeline({ ...DONE, outcome: 'failure', finishedAt: NOON + 12_300 })
  let model = startModel({ pipeline, jobs: [job], seq: 1 })
  const lines = Array.from({ length: 25 }, (_, index) => aLine(index, 1, `line ${index}`))
  model = reducePipeline(model, { type: 'log.appended', jobId: job.id, attempt: 1, lines })
  const summary = summaryLines(PLAIN, model, AT)
  assert.equal(summary[0], '✖ test failure (exit code 2); last lines:')
  assert.deepEqual(summary.slice(1, 21).at(0), '  │ line 5')
  assert.deepEqual(summary.slice(20), ['  │ line 24', '✖ team/app#12 failure in 12.3 s'])
})

test('ends with every problem of narwhal.yml, or the reason in words', () => {
  const ended = { ...DONE, outcome: 'error', finishedAt: NOON + 1000 } as const
  const problem = {
    message: 'unknown key "comand"',
    line: 3,
    column: 5,
    excerpt: '  - comand: x\n    ^',
  }
  const summary = (pipeline: ReturnType<typeof aPipeline>) =>
    summaryLines(PLAIN, startModel({ pipeline, jobs: [], seq: 1 }), AT)
  assert.deepEqual(summary(aPipeline({ ...ended, reason: 'narwhal.yml', problems: [problem] })), [
    'narwhal.yml:3:5: unknown key "comand"',
    '    - comand: x',
    '      ^',
    '✖ team/app#12 error in 1.0 s',
  ])
  assert.deepEqual(summary(aPipeline({ ...ended, reason: 'the clone failed' })), [
    '✖ team/app#12 error in 1.0 s: the clone failed',
  ])
  const phases = [{ name: 'plan', startedAt: 1, durationMs: 1, note: 'all conditions hold' }]
  assert.deepEqual(summary(aPipeline({ ...ended, outcome: 'success', phases })), [
    'note: all conditions hold',
    '✔ team/app#12 success in 1.0 s',
  ])
})

test('ends with the jobs that could not run, those for the same reason together, beside what failed', () => {
  const ended = { status: 'finished', finishedAt: NOON + 1000 } as const
  const away = { ...ended, outcome: 'error', reason: 'no engine answers' } as const
  const named = (name: string, changes: Parameters<typeof aJob>[2]) => aJob(name, [], changes)
  const skipped = named('web', { ...ended, outcome: 'skipped', reason: 'needs "c", which ended' })
  const jobs = [...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => named(name, away)), skipped]
  const pipeline = aPipeline({ ...ended, outcome: 'error' })
  const summary = (more: typeof jobs = []) =>
    summaryLines(PLAIN, startModel({ pipeline, jobs: [...jobs, ...more], seq: 1 }), AT)
  assert.deepEqual(summary(), [
    '✖ a, b, c, d, e and 1 more: no engine answers',
    '○ web: needs "c", which ended',
    '✖ team/app#12 error in 1.0 s',
  ])
  const step = aStep(0, 'test', { ...ended, outcome: 'failure', exitCode: 2 })
  const failed = { ...aJob('failed', [step]), ...ended, outcome: 'failure', reason: 'x' } as const
  assert.deepEqual(summary([failed]), [
    '✖ failed/test failure (exit code 2); no output',
    '✖ a, b, c, d, e and 1 more: no engine answers',
    '✖ team/app#12 error in 1.0 s',
  ])
})
