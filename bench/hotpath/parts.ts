import type { PipelineWithJobs } from '../../src/contract/rest/rest.ts'
import type { AttemptView, PhaseView } from '../../src/contract/rest/views.ts'
import { type Interval, uncovered } from '../support/statistics.ts'

/** What happened to one commit, as the bench saw it from outside; epoch milliseconds. */
export interface Seen {
  readonly sentAt: number
  readonly acceptedAt: number
  readonly finishedAt: number
}

/** The parts, in the order in which they begin. Some overlap, so they add up to more than the whole. */
export const PARTS = {
  accept: 'the POST is sent → its 202',
  queue: 'the event is received → its pipeline is there',
  plan: 'the pipeline is there → its jobs are known, with the fetch',
  place: 'the job is queued → it has a runner',
  checkout: 'the fetch of the mirror, if any, and the checkout',
  sandbox: 'the container is created and started, beside the checkout',
  step: 'the step starts → it has ended',
  report: 'the step has ended → success is seen over the websocket',
  other: 'what none of the parts covers',
} as const
export type Part = keyof typeof PARTS

/** What lies within the parts, or between them. */
export const DETAILS = {
  fetch: 'in plan: the commit comes into the mirror',
  parse: 'in plan: narwhal.yml is read from git and understood',
  handover: 'in other: the job has a runner → the runner has begun',
} as const
export type Detail = keyof typeof DETAILS

/** Milliseconds of each part and detail of one pipeline of one job and one step. */
export type PartTimes = Readonly<Record<Part | Detail, number>>

/** Throws when something that every success has is not recorded. */
export function partsOf(seen: Seen, { pipeline, jobs }: PipelineWithJobs): PartTimes {
  const job = given(jobs[0], 'a job')
  const attempt = given(job.attempts.at(-1), 'an attempt')
  const step = given(attempt.steps[0], 'a step')
  const stepEnd = given(step.finishedAt, "the step's end")
  const planned = given(pipeline.startedAt, "the pipeline's start")
  const intervals: Record<Exclude<Part, 'other'>, Interval> = {
    accept: { from: seen.sentAt, to: seen.acceptedAt },
    queue: { from: pipeline.event.receivedAt, to: pipeline.createdAt },
    plan: { from: pipeline.createdAt, to: planned },
    // A job that has ended no longer says since when it was queued: without needs, since the plan.
    place: { from: given(job.queuedAt ?? planned, 'queued'), to: attempt.assignedAt },
    checkout: during(attempt, ['fetch', 'checkout']),
    sandbox: during(attempt, ['sandbox']),
    step: { from: given(step.startedAt, "the step's start"), to: stepEnd },
    report: { from: stepEnd, to: seen.finishedAt },
  }
  const whole = { from: seen.sentAt, to: seen.finishedAt }
  const lengths = Object.entries(intervals).map(([name, { from, to }]) => [name, to - from])
  return {
    ...(Object.fromEntries(lengths) as Record<keyof typeof intervals, number>),
    other: uncovered(whole, Object.values(intervals)),
    fetch: phase(pipeline.phases, 'fetch').durationMs,
    parse: phase(pipeline.phases, 'plan').durationMs,
    handover: given(attempt.startedAt, "the attempt's start") - attempt.assignedAt,
  }
}

/** From the beginning of the first of these phases to the end of the last. */
function during({ phases }: AttemptView, names: readonly string[]): Interval {
  const found = names.map((name) => phase(phases, name))
  return {
    from: Math.min(...found.map(({ startedAt }) => startedAt)),
    to: Math.max(...found.map(({ startedAt, durationMs }) => startedAt + durationMs)),
  }
}

function phase(phases: readonly PhaseView[], name: string): PhaseView {
  return given(
    phases.find((one) => one.name === name),
    `the phase ${name}`,
  )
}

function given<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Error(`${what} is not recorded`)
  return value
}
