import type { JobView } from '../../contract/rest/views.ts'
import type { Concurrency } from '../../core/concurrency/concurrency.ts'
import type { JobId, PipelineId } from '../../core/ids.ts'
import type { Job } from '../../core/job/job.ts'
import type { PlacedAttempt } from '../records.ts'

/** A job that waits, with what is to be known of its pipeline. */
export interface QueuedJob {
  readonly job: Job
  readonly repositoryName: string
  /** The group that its pipeline is in. */
  readonly concurrency?: Concurrency
  readonly isStranger: boolean
}

/** Jobs with their attempts. */
export interface JobReader {
  find(id: JobId): Promise<Job | undefined>
  findView(id: JobId): Promise<JobView | undefined>
  /** Jobs of open pipelines that wait for a runner, those that came first first. */
  listQueued(limit: number): Promise<QueuedJob[]>
  /** In the order of the file. */
  listViews(pipelineId: PipelineId): Promise<JobView[]>
  /** Attempts of all jobs, those that a runner was chosen for last first. */
  listPlacements(limit: number): Promise<PlacedAttempt[]>
}

export interface JobWriter extends JobReader {
  /** A job with `concurrency` is in its group from now until it has ended. */
  insert(jobs: readonly Job[]): Promise<void>
  /**
   * Writes the job's state, fence and the attempts that `changed` names (inserting those that are
   * new); returns it with its new version. An attempt that is there keeps its count of lines, and
   * its sequence number only grows while its fence stays the same: both as in what is returned.
   */
  save(job: Job, changed: readonly number[]): Promise<Job>
}
