import { present } from '../../lib/present.ts'
import type { JobId } from '../ids.ts'
import type { Job } from '../job/job.ts'
import type { Outcome } from '../outcome.ts'
import { dependants } from '../plan/graph.ts'
import type { JobChange } from './advance-pipeline.ts'

const FAILED: ReadonlySet<Outcome> = new Set(['failure', 'error', 'timeout', 'cancelled'])

/** The jobs that finished unsuccessfully on their own account. */
export function failedJobs(jobs: readonly Job[]): Job[] {
  return jobs.filter(
    ({ state, spec }) =>
      state.status === 'finished' && FAILED.has(state.outcome) && spec.leftOut === undefined,
  )
}

/** When a rerun was requested, and the user's name. */
export interface RerunRequest {
  readonly at: number
  readonly askedBy?: string | undefined
}

/** The changes that rerun the jobs as their next attempts, and their dependents after them. */
export function rerunChanges(
  all: readonly Job[],
  again: readonly Job[],
  { at, askedBy }: RerunRequest,
): JobChange[] {
  const specs = all.map(({ spec }) => spec)
  const ids = new Set<JobId>(again.map(({ id }) => id))
  const after = new Set(again.flatMap(({ spec }) => [...dependants(specs, spec.name)]))
  return (
    all
      .filter(({ id, spec }) => ids.has(id) || after.has(spec.name))
      // Blocked, as its needs may be rerun too; without needs it is ready at once.
      .map(({ id }) => ({
        jobId: id,
        event: { type: 'rerun', blocked: true, ...present({ askedBy }), at },
      }))
  )
}
