import type { RepositoryId } from '../ids.ts'
import { compareText } from './load.ts'
import type { WaitingJob } from './placement.ts'

/** Each mark of the clock, ten minutes apart, that a job has waited past is worth one level of priority. */
const AGEING_MS = 10 * 60_000

export interface QueueContext {
  /** Epoch milliseconds. */
  readonly now: number
  /** How many jobs of each repository hold a slot now; absent: none. */
  readonly runningByRepository: ReadonlyMap<RepositoryId, number>
}

interface Ranked {
  readonly job: WaitingJob
  readonly level: number
  /** Jobs of its repository that run or stand before it. */
  rank: number
}

/**
 * The order in which waiting jobs are placed:
 *
 * 1. priority, raised by one at each full ten minutes of the clock, so that nothing waits for ever and
 *    two jobs never change places while they wait;
 * 2. the fewest jobs of its repository that run or stand before it here, so that a repository with
 *    a thousand jobs takes turns with one that has a single job;
 * 3. the longest way of jobs that follow it in its pipeline;
 * 4. the longer wait, then the id.
 *
 * Takes O(n log n). The given list stays as it is.
 */
export function orderQueue(jobs: readonly WaitingJob[], context: QueueContext): WaitingJob[] {
  const ranked = jobs.map((job): Ranked => ({ job, level: levelOf(job, context.now), rank: 0 }))
  ranked.sort((a, b) => b.level - a.level || compareJobs(a.job, b.job))
  // Within a repository the order stands now, and its jobs' ranks only grow along it. So taking
  // again and again the job with the lowest rank is the same as sorting by it once.
  const before = new Map(context.runningByRepository)
  for (const entry of ranked) {
    entry.rank = before.get(entry.job.repositoryId) ?? 0
    before.set(entry.job.repositoryId, entry.rank + 1)
  }
  // The sort is stable: equal ranks stay as `compareJobs` put them.
  ranked.sort((a, b) => b.level - a.level || a.rank - b.rank)
  return ranked.map(({ job }) => job)
}

/**
 * The priority with all that waiting has added, less what it adds to every job alike: levels only
 * count against one another, and a job's stays what it is. A clock that is ahead takes nothing away.
 */
export function levelOf({ priority, queuedAt }: WaitingJob, now: number): number {
  return priority - Math.floor(Math.min(queuedAt, now) / AGEING_MS)
}

/** The order of jobs of one level and repository. */
export function compareJobs(a: WaitingJob, b: WaitingJob): number {
  return b.followers - a.followers || a.queuedAt - b.queuedAt || compareText(a.jobId, b.jobId)
}
