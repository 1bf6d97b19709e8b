import type { RepositoryId } from '../ids.ts'
import { compareText } from './load.ts'
import type { WaitingJob } from './placement.ts'

/** Each ten-minute mark of the clock that a job has waited past raises its priority by one. */
const AGEING_MS = 10 * 60_000

export interface QueueContext {
  /** Epoch milliseconds. */
  readonly now: number
  /** How many jobs of each repository hold a slot; absent: none. */
  readonly runningByRepository: ReadonlyMap<RepositoryId, number>
}

interface Ranked {
  readonly job: WaitingJob
  readonly level: number
  /** Jobs of its repository that run or are queued before it. */
  rank: number
}

/**
 * The order in which waiting jobs are placed:
 *
 * 1. priority, raised by one at each full ten minutes of the clock, so that nothing starves and two jobs
 *    never change places while they wait;
 * 2. the fewest jobs of its repository that run or are queued before it, so that a repository with a
 *    thousand jobs takes turns with one that has a single job;
 * 3. the longest chain of jobs that depend on it;
 * 4. the longer wait, then the id.
 *
 * O(n log n); doesn't change the given list.
 */
export function orderQueue(jobs: readonly WaitingJob[], context: QueueContext): WaitingJob[] {
  const ranked = jobs.map((job): Ranked => ({ job, level: levelOf(job, context.now), rank: 0 }))
  ranked.sort((a, b) => b.level - a.level || compareJobs(a.job, b.job))
  // Within a repository the order is final now, and ranks only grow along it. So repeatedly taking the job
  // with the lowest rank is the same as sorting by rank once.
  const before = new Map(context.runningByRepository)
  for (const entry of ranked) {
    entry.rank = before.get(entry.job.repositoryId) ?? 0
    before.set(entry.job.repositoryId, entry.rank + 1)
  }
  // The sort is stable: equal ranks stay in the order of `compareJobs`.
  ranked.sort((a, b) => b.level - a.level || a.rank - b.rank)
  return ranked.map(({ job }) => job)
}

/**
 * Priority plus ageing, minus what ageing adds to every job alike: only differences between levels count, so
 * a job's level is constant. A clock that runs ahead can't lower it.
 */
export function levelOf({ priority, queuedAt }: WaitingJob, now: number): number {
  return priority - Math.floor(Math.min(queuedAt, now) / AGEING_MS)
}

export function compareJobs(a: WaitingJob, b: WaitingJob): number {
  return b.followers - a.followers || a.queuedAt - b.queuedAt || compareText(a.jobId, b.jobId)
}
