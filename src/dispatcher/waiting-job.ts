import type { WaitingJob } from '../core/placement/placement.ts'
import { needsContainers } from '../core/plan.ts'
import type { JobRecord } from '../store/records.ts'

/** A runner that could not run a job gets it again, for want of another, after so long. */
const SECOND_CHANCE_MS = 5_000

/** A job as the placement sees it. `followers`: how many jobs of its pipeline come after it. */
export function waitingJob(
  job: JobRecord,
  { queuedAt, followers }: { queuedAt: number; followers: number },
): WaitingJob {
  return {
    jobId: job.id,
    repositoryId: job.repositoryId,
    ...(job.spec.image === undefined ? {} : { image: job.spec.image }),
    ...(needsContainers(job.spec) ? { containers: true } : {}),
    labels: job.spec.labels,
    queuedAt,
    followers,
    priority: job.spec.priority ?? 0,
    avoid: job.attempts.flatMap(({ outcome, runnerId, finishedAt = 0 }) =>
      outcome === 'error' ? [{ runnerId, until: finishedAt + SECOND_CHANCE_MS }] : [],
    ),
  }
}
