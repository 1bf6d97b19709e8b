import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aJob, anAttempt, aPipeline, aStep } from '#root/test/support/cli/views.ts'
import type { AttemptView, JobView, PhaseView } from '../../contract/rest/views.ts'
import { waterfallView } from '../../contract/rest/waterfall.ts'
import { present } from '../../lib/present.ts'
import { waterfallOf } from './waterfall-of.ts'

const NOW = 100_000

const phase = (name: string, startedAt: number, endedAt: number): PhaseView => ({
  name,
  startedAt,
  durationMs: endedAt - startedAt,
})

/** From `from` on: 10 to place, 5 to hand over, 20 to check out beside a sandbox, a step, 3 to report. */
function attempt(from: number, sandboxMs: number, stepMs: number): AttemptView {
  const started = from + 15
  const stepAt = started + Math.max(20, sandboxMs)
  const ended = stepAt + stepMs
  const step = { status: 'finished', outcome: 'success', startedAt: stepAt, finishedAt: ended }
  return anAttempt([aStep(0, 'test', step as Partial<ReturnType<typeof aStep>>)], {
    status: 'finished',
    outcome: 'success',
    assignedAt: from + 10,
    startedAt: started,
    finishedAt: ended,
    phases: [
      phase('place', from, from + 10),
      phase('fetch', started, started),
      phase('checkout', started, started + 20),
      phase('sandbox', started, started + sandboxMs),
      phase('report', ended, ended + 3),
    ],
  })
}

function job(name: string, needs: string[], attempts: AttemptView[]): JobView {
  const finishedAt = attempts.at(-1)?.finishedAt
  return aJob(name, [], {
    id: `job_${name}`,
    needs,
    attempts,
    status: 'finished',
    ...present({ finishedAt }),
  })
}

const pipeline = aPipeline({
  status: 'finished',
  createdAt: 1010,
  phases: [phase('queue', 1000, 1010), phase('fetch', 1012, 1050), phase('plan', 1050, 1060)],
})

function critical(jobs: readonly JobView[]): string[] {
  const { spans } = waterfallOf(pipeline, jobs, NOW)
  return spans
    .filter((span) => span.critical)
    .map((span) => (span.job ? `${span.job.name} ${span.name}` : span.name))
}

test('a service is shown, and nothing waits for its end', () => {
  const alone = attempt(1060, 40, 100)
  const service = aStep(1, 'service db', {
    status: 'finished',
    outcome: 'success',
    beside: true,
    startedAt: 1090,
    finishedAt: 1240,
  })
  const spans = (of: AttemptView) => waterfallOf(pipeline, [job('a', [], [of])], NOW).spans
  const withService = { ...alone, steps: [...alone.steps, service] }
  const others = spans(withService).filter((one) => one.step?.name !== 'service db')
  assert.deepEqual(others, spans(alone))
  const [shown] = spans(withService).filter((one) => one.step?.name === 'service db')
  assert.deepEqual([shown?.beside, shown?.critical, shown?.durationMs], [true, false, 150])
})

test('the longer of checkout and sandbox is critical, and all that is before and behind', () => {
  const all = ['queue', 'fetch', 'plan', 'a place', 'a handover']
  const slowSandbox = [job('a', [], [attempt(1060, 300, 50)])]
  assert.deepEqual(critical(slowSandbox), [...all, 'a sandbox', 'a step', 'a report'])
  const warmSandbox = [job('a', [], [attempt(1060, 2, 50)])]
  assert.deepEqual(critical(warmSandbox), [...all, 'a checkout', 'a step', 'a report'])
})

test('the path leads through the need that ended last, also past one that was skipped', () => {
  const fast = job('fast', [], [attempt(1060, 10, 10)])
  const slow = job('slow', [], [attempt(1060, 10, 500)])
  const skipped = job('skipped', ['slow'], [])
  const last = job('last', ['fast', 'skipped'], [attempt(1700, 10, 10)])
  const jobs = new Set(critical([fast, slow, skipped, last]).map((one) => one.split(' ')[0]))
  assert.deepEqual(jobs, new Set(['queue', 'fetch', 'plan', 'slow', 'last']))
})

test('a lost attempt and the one after it both made the pipeline late', () => {
  const lost = attempt(1060, 10, 100)
  const { spans } = waterfallOf(
    pipeline,
    [job('a', [], [lost, { ...attempt(1500, 10, 10), number: 2 }])],
    NOW,
  )
  const steps = spans.filter((span) => span.name === 'step')
  assert.deepEqual(
    steps.map((span) => [span.attempt, span.critical]),
    [
      [1, true],
      [2, true],
    ],
  )
})

test('the answer begins with the first span and ends with the last, in order', () => {
  const answer = waterfallOf(pipeline, [job('a', [], [attempt(1060, 300, 50)])], NOW)
  assert.deepEqual(waterfallView.parse(answer), answer)
  assert.equal(answer.startAt, 1000)
  assert.equal(answer.durationMs, 60 + 15 + 300 + 50 + 3)
  assert.equal(answer.complete, true)
  assert.ok(answer.spans.every((span) => !span.open))
  const starts = answer.spans.map((span) => span.startAt)
  assert.deepEqual(
    starts,
    starts.toSorted((a, b) => a - b),
  )
})

test('what goes on is open and lasts until now', () => {
  const running = anAttempt([aStep(0, 'test', { status: 'running', startedAt: NOW - 500 })], {
    assignedAt: NOW - 700,
    startedAt: NOW - 690,
  })
  const waiting = aJob('b', [], { status: 'queued', queuedAt: NOW - 90, attempts: [] })
  const going = aPipeline({ status: 'running', createdAt: NOW - 900, phases: [] })
  const { spans, complete } = waterfallOf(
    going,
    [aJob('a', [], { attempts: [running] }), waiting],
    NOW,
  )
  assert.equal(complete, false)
  assert.deepEqual(
    spans.map(({ name, open, durationMs }) => [name, open, durationMs]),
    [
      ['handover', false, 10],
      ['step', true, 500],
      ['place', true, 90],
    ],
  )
  const unplanned = aPipeline({ status: 'pending', createdAt: NOW - 40, phases: [] })
  const [plan] = waterfallOf(unplanned, [], NOW).spans
  assert.deepEqual([plan?.name, plan?.open, plan?.durationMs], ['plan', true, 40])
})
