import type { JobId } from '../ids.ts'
import type { Job } from '../job/job.ts'
import type { Outcome } from '../outcome.ts'
import { dependants } from '../plan/graph.ts'
import type { JobChange } from './advance-pipeline.ts'

const FAILED: ReadonlySet<Outcome> = new Set(['failure', 'error', 'timeout', 'cancelled'])

/** The jobs that have ended otherwise than in success, and not because of another one. */
export function failedJobs(jobs: readonly Job[]): Job[] {
  return jobs.filter(
    ({ state, spec }) =>
      state.status === 'finished' && FAILED.has(state.outcome) && spec.leftOut === undefined,
  )
}

/** When, and the name of the user who wants it. */
export interface Asked {
  readonly at: number
  readonly askedBy?: string | undefined
}

/** What has the jobs run again as their next attempts, and what needs them after them. */
export function rerunChanges(
  all: readonly Job[],
  again: readonly Job[],
  { at, askedBy }: Asked,
): JobChange[] {
  const specs = all.map(({ spec }) => spec)
  const ids = new Set<JobId>(again.map(({ id }) => id))
  const after = new Set(again.flatMap(({ spec }) => [...dependants(specs, spec.name)]))
  return (
    all
      .filter(({ id, spec }) => ids.has(id) || after.has(spec.name))
      // What it needs may be running again itself; without needs it is ready at once.
      .map(({ id }) => {
        const by = askedBy === undefined ? {} : { askedBy }
        return { jobId: id, event: { type: 'rerun', blocked: true, ...by, at } }
      })
  )
}
