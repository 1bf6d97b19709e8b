import { evaluate, isTrue } from '../expression/evaluate.ts'
import type { JobEvent, JobState } from '../job/job-state.ts'
import { type Outcome, worstOutcome } from '../outcome.ts'
import { type Outputs, outputNamed } from './outputs.ts'
import type { OnlyIf, RunsOn } from './plan.ts'

export interface GraphJob {
  readonly name: string
  readonly needs: readonly string[]
  readonly runsOn?: RunsOn
  /** The needs that may be left out without skipping it. */
  readonly optional?: readonly string[]
  readonly onlyIf?: OnlyIf
  /** Empty until it has finished. */
  readonly outputs?: Outputs
  readonly allowFailure?: true
  readonly state: JobState
}

/**
 * The events that are due for blocked jobs: `ready` once all needs have succeeded, `skipped` once one has
 * not, or once their outputs make the job's condition false. A job that runs on failure, or always, waits for
 * all its needs. One call looks one step ahead: apply the events and call again until there are none.
 */
export function dueEvents<Job extends GraphJob>(
  jobs: readonly Job[],
  at: number,
): { job: Job; event: JobEvent }[] {
  const outcomes = new Map<string, Outcome>()
  for (const job of jobs) {
    if (job.state.status !== 'finished') continue
    outcomes.set(job.name, countedOutcome(job, job.state.outcome))
  }
  const leftOut = leftOutOf(jobs)
  const due: { job: Job; event: JobEvent }[] = []
  for (const job of jobs) {
    if (job.state.status !== 'blocked') continue
    const event = dueEvent(job, { jobs, outcomes, leftOut, at })
    if (event) due.push({ job, event })
  }
  return due
}

interface Graph {
  readonly jobs: readonly GraphJob[]
  readonly outcomes: ReadonlyMap<string, Outcome>
  readonly leftOut: ReadonlySet<string>
  readonly at: number
}

const ENDED: Readonly<Record<Outcome, string>> = {
  success: 'succeeded',
  failure: 'failed',
  error: 'failed with an error',
  timeout: 'timed out',
  cancelled: 'was cancelled',
  skipped: 'was skipped',
}

function dueEvent(job: GraphJob, { jobs, outcomes, leftOut, at }: Graph): JobEvent | undefined {
  const { needs, runsOn, optional = [], onlyIf } = job
  const missing = needs.find((name) => leftOut.has(name) && !optional.includes(name))
  if (missing !== undefined) {
    return { type: 'skipped', reason: `needs "${missing}", which is not run`, at }
  }
  const failed = needs.find(
    (name) => !leftOut.has(name) && (outcomes.get(name) ?? 'success') !== 'success',
  )
  if (failed !== undefined && runsOn === undefined) {
    const reason = `needs "${failed}", which ${ENDED[outcomes.get(failed) ?? 'failure']}`
    return { type: 'skipped', reason, at }
  }
  if (!needs.every((name) => outcomes.has(name))) return undefined
  if (failed === undefined && runsOn === 'failure') {
    return {
      type: 'skipped',
      reason: 'it runs on failure only, and all its needs succeeded',
      at,
    }
  }
  if (onlyIf && !holds(onlyIf, job, jobs)) {
    return { type: 'skipped', reason: `when: ${onlyIf.text} is not true`, at }
  }
  return { type: 'ready', at }
}

/** Called once all needs have finished: missing outputs are empty. */
function holds({ expression }: OnlyIf, { needs }: GraphJob, jobs: readonly GraphJob[]): boolean {
  const valueOf = (name: string): string => {
    const { need = '', output = '' } = outputNamed(name) ?? {}
    const job = needs.includes(need) ? jobs.find((one) => one.name === need) : undefined
    const outputs = job?.outputs ?? {}
    return (Object.hasOwn(outputs, output) && outputs[output]) || ''
  }
  return isTrue(evaluate(expression, { valueOf, hasChanged: () => true }))
}

/**
 * The jobs left out because of their own condition, or that of a job they require: jobs that need them
 * optionally continue, as if the plan had left them out.
 */
function leftOutOf(jobs: readonly GraphJob[]): ReadonlySet<string> {
  const found = new Set<string>()
  if (jobs.every(({ onlyIf }) => onlyIf === undefined)) return found
  const byName = new Map(jobs.map((job) => [job.name, job]))
  const isWell = (name: string): boolean => {
    const need = byName.get(name)
    if (need?.state.status !== 'finished') return false
    return found.has(name) || countedOutcome(need, need.state.outcome) === 'success'
  }
  // Terminates: each round adds at least one, or is the last.
  for (let before = -1; before < found.size; ) {
    before = found.size
    for (const job of jobs) {
      const { name, needs, optional = [], onlyIf, runsOn, state } = job
      if (state.status !== 'finished' || state.outcome !== 'skipped' || found.has(name)) continue
      const lacks = needs.some((need) => found.has(need) && !optional.includes(need))
      const isDue = runsOn !== undefined || needs.every(isWell)
      if (lacks || (onlyIf && isDue && !holds(onlyIf, job, jobs))) found.add(name)
    }
  }
  return found
}

/** The outcome as others see it: a job that may fail counts as a success. */
function countedOutcome({ allowFailure }: Pick<GraphJob, 'allowFailure'>, outcome: Outcome) {
  return allowFailure && (outcome === 'failure' || outcome === 'timeout') ? 'success' : outcome
}

/**
 * The pipeline's outcome; undefined while a job is unfinished. Skipped jobs don't count, since the cause is
 * another job or `narwhal.yml`.
 */
export function pipelineOutcome(
  jobs: readonly Pick<GraphJob, 'state' | 'allowFailure'>[],
): Outcome | undefined {
  const outcomes: Outcome[] = []
  for (const job of jobs) {
    if (job.state.status !== 'finished') return undefined
    outcomes.push(countedOutcome(job, job.state.outcome))
  }
  const counted = outcomes.filter((outcome) => outcome !== 'skipped')
  return worstOutcome(counted.length > 0 ? counted : outcomes)
}

/** The names of the jobs that depend on this one, directly or transitively. */
export function dependants(
  jobs: readonly { readonly name: string; readonly needs: readonly string[] }[],
  name: string,
): Set<string> {
  const found = new Set<string>()
  const queue = [name]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const job of jobs) {
      if (job.needs.includes(next) && !found.has(job.name)) {
        found.add(job.name)
        queue.push(job.name)
      }
    }
  }
  return found
}

/** A cycle in `needs` as a list of names, the first repeated at the end; undefined if there is none. */
export function findCycle(
  jobs: readonly { readonly name: string; readonly needs: readonly string[] }[],
): string[] | undefined {
  const needs = new Map(jobs.map((job) => [job.name, job.needs]))
  const done = new Set<string>()
  // An explicit stack: a long chain must not exhaust the call stack.
  for (const { name } of jobs) {
    const path: string[] = []
    const onPath = new Set<string>()
    const stack: { name: string; leave: boolean }[] = [{ name, leave: false }]
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      if (top.leave) {
        path.pop()
        onPath.delete(top.name)
        done.add(top.name)
      } else if (onPath.has(top.name)) {
        return [...path.slice(path.indexOf(top.name)), top.name]
      } else if (!done.has(top.name)) {
        path.push(top.name)
        onPath.add(top.name)
        stack.push({ name: top.name, leave: true })
        for (const need of needs.get(top.name) ?? []) stack.push({ name: need, leave: false })
      }
    }
  }
  return undefined
}
