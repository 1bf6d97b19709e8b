import { present } from '../../lib/present.ts'
import type { Job } from '../job/job.ts'
import { needsContainers } from '../plan/plan.ts'
import type { KeptSecret } from '../secret/secret-rules.ts'
import type { WaitingJob } from './placement.ts'

/** Back-off before a job may be retried on a runner that failed it, if no other is eligible. */
const SECOND_CHANCE_MS = 5_000

export interface WaitingFacts {
  readonly queuedAt: number
  /** The length of the longest chain of jobs that depend on it. */
  readonly followers: number
  readonly isStranger: boolean
  /** The cap on its priority. */
  readonly maxPriority: number
  /** Its secrets that are restricted to some runners. */
  readonly secrets?: readonly KeptSecret[] | undefined
  readonly endsWithoutEngine?: boolean | undefined
}

export function waitingJob(
  job: Job,
  { queuedAt, followers, isStranger, maxPriority, secrets = [], endsWithoutEngine }: WaitingFacts,
): WaitingJob {
  return {
    jobId: job.id,
    repositoryId: job.repositoryId,
    ...present({
      image: job.spec.image,
      containers: needsContainers(job.spec) || undefined,
      endsWithoutEngine: endsWithoutEngine || undefined,
      isStranger: isStranger || undefined,
      secrets: secrets.length > 0 ? secrets : undefined,
    }),
    labels: job.spec.labels,
    queuedAt,
    followers,
    // Capped: a file must not decide how long other repositories wait; a stranger's can't raise it at all.
    priority: Math.min(job.spec.priority ?? 0, isStranger ? 0 : maxPriority),
    avoid: job.attempts.flatMap((attempt) =>
      attempt.status === 'finished' && attempt.outcome === 'error'
        ? [{ runnerId: attempt.runnerId, until: attempt.finishedAt + SECOND_CHANCE_MS }]
        : [],
    ),
  }
}
