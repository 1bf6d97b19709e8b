import { differsInLogOnly } from '../../core/attempt/attempt.ts'
import type { JobId } from '../../core/ids.ts'
import type { Job } from '../../core/job/job.ts'
import type { PipelineDraft } from '../../core/pipeline/advance-pipeline.ts'

/**
 * The jobs of a draft to be saved, with the numbers of their changed attempts. Left out are new jobs, and
 * those whose logs alone have grown: `logs.append` writes all of that.
 */
export function changedJobs(
  before: PipelineDraft,
  after: PipelineDraft,
): ReadonlyMap<JobId, readonly number[]> {
  const former = new Map(before.jobs.map((job) => [job.id, job]))
  const changed = new Map<JobId, readonly number[]>()
  for (const job of after.jobs) {
    const old = former.get(job.id)
    if (!old || old === job || onlyLogGrew(old, job)) continue
    const attempts = job.attempts.filter((attempt) => !old.attempts.includes(attempt))
    changed.set(
      job.id,
      attempts.map(({ number }) => number),
    )
  }
  return changed
}

function onlyLogGrew(before: Job, after: Job): boolean {
  const old: Readonly<Record<string, unknown>> = { ...before }
  const now: Readonly<Record<string, unknown>> = { ...after }
  return (
    before.attempts.length === after.attempts.length &&
    before.attempts.every((attempt, i) => {
      const other = after.attempts[i]
      return other !== undefined && differsInLogOnly(attempt, other)
    }) &&
    Object.keys({ ...old, ...now }).every((key) => key === 'attempts' || old[key] === now[key])
  )
}
