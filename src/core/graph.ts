import type { JobEvent, JobState } from './job.ts'
import { type Outcome, worstOutcome } from './outcome.ts'
import type { RunsOn } from './plan.ts'

/** A job as the graph sees it. */
export interface GraphJob {
  readonly name: string
  readonly needs: readonly string[]
  readonly runsOn?: RunsOn
  readonly allowFailure?: true
  readonly state: JobState
}

/**
 * The events that the blocked jobs are due now: `ready` as soon as all needs have succeeded,
 * `skipped` as soon as one has ended otherwise. A job that runs on failure, or always, waits for
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
  const due: { job: Job; event: JobEvent }[] = []
  for (const job of jobs) {
    if (job.state.status !== 'blocked') continue
    const event = dueEvent(job, outcomes, at)
    if (event) due.push({ job, event })
  }
  return due
}

function dueEvent(
  { needs, runsOn }: GraphJob,
  outcomes: ReadonlyMap<string, Outcome>,
  at: number,
): JobEvent | undefined {
  const failed = needs.find((name) => (outcomes.get(name) ?? 'success') !== 'success')
  if (failed !== undefined && runsOn === undefined) {
    const reason = `needs "${failed}", which ended in ${outcomes.get(failed)}`
    return { type: 'skipped', reason, at }
  }
  if (!needs.every((name) => outcomes.has(name))) return undefined
  if (failed === undefined && runsOn === 'failure') {
    return { type: 'skipped', reason: 'it runs on failure, and all that it needs went well', at }
  }
  return { type: 'ready', at }
}

/** What the end of a job says to those that look at it: one that may fail has done well then. */
function countedOutcome({ allowFailure }: Pick<GraphJob, 'allowFailure'>, outcome: Outcome) {
  return allowFailure && (outcome === 'failure' || outcome === 'timeout') ? 'success' : outcome
}

/**
 * What the jobs together say of their pipeline: undefined while one of them is not finished. Skipped
 * jobs say nothing, since each has its cause in another job, or in what `narwhal.yml` asks for.
 */
export function pipelineOutcome(
  jobs: readonly Pick<GraphJob, 'state' | 'allowFailure'>[],
): Outcome | undefined {
  const outcomes: Outcome[] = []
  for (const job of jobs) {
    if (job.state.status !== 'finished') return undefined
    outcomes.push(countedOutcome(job, job.state.outcome))
  }
  const told = outcomes.filter((outcome) => outcome !== 'skipped')
  return worstOutcome(told.length > 0 ? told : outcomes)
}

/** The names of the jobs that need this one, directly or not. */
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

/** A cycle in `needs` as the names along it, the first repeated at the end; undefined if none. */
export function findCycle(
  jobs: readonly { readonly name: string; readonly needs: readonly string[] }[],
): string[] | undefined {
  const needs = new Map(jobs.map((job) => [job.name, job.needs]))
  const done = new Set<string>()
  // An explicit stack: a chain of thousands of jobs must not exhaust the call stack.
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
