import { present } from '../../lib/present.ts'
import type { Job } from '../job/job.ts'
import { needsContainers } from '../plan/plan.ts'
import type { KeptSecret } from '../secret/secret-rules.ts'
import type { WaitingJob } from './placement.ts'

/** A runner that could not run a job gets it again, for want of another, after so long. */
const SECOND_CHANCE_MS = 5_000

export interface WaitingFacts {
  readonly queuedAt: number
  /** How many jobs of its pipeline come after it. */
  readonly followers: number
  readonly isStranger: boolean
  /** A larger priority counts as this one. */
  readonly maxPriority: number
  /** Secrets of it that not every runner may have. */
  readonly secrets?: readonly KeptSecret[] | undefined
  readonly endsWithoutEngine?: boolean | undefined
}

/** A job as the placement sees it. */
export function waitingJob(
  job: Job,
  { queuedAt, followers, isStranger, maxPriority, secrets = [], endsWithoutEngine }: WaitingFacts,
): WaitingJob {
  return {
    jobId: job.id,
    repositoryId: job.repositoryId,
    ...present({ image: job.spec.image }),
    ...(needsContainers(job.spec) ? { containers: true } : {}),
    ...(endsWithoutEngine ? { endsWithoutEngine } : {}),
    labels: job.spec.labels,
    ...(isStranger ? { isStranger } : {}),
    ...(secrets.length > 0 ? { secrets } : {}),
    queuedAt,
    followers,
    // A file decides for its own repository, not how long all others wait; a stranger's not even that.
    priority: Math.min(job.spec.priority ?? 0, isStranger ? 0 : maxPriority),
    avoid: job.attempts.flatMap((attempt) =>
      attempt.status === 'finished' && attempt.outcome === 'error'
        ? [{ runnerId: attempt.runnerId, until: attempt.finishedAt + SECOND_CHANCE_MS }]
        : [],
    ),
  }
}
