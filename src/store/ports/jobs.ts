import type { JobView } from '../../contract/rest/views.ts'
import type { Concurrency } from '../../core/concurrency/concurrency.ts'
import type { JobId, PipelineId } from '../../core/ids.ts'
import type { Job } from '../../core/job/job.ts'
import type { PlacedAttempt } from '../records.ts'

/** A queued job with the facts of its pipeline. */
export interface QueuedJob {
  readonly job: Job
  readonly repositoryName: string
  /** Its pipeline's concurrency group. */
  readonly concurrency?: Concurrency
  readonly isStranger: boolean
}

/** Jobs with their attempts. */
export interface JobReader {
  find(id: JobId): Promise<Job | undefined>
  findView(id: JobId): Promise<JobView | undefined>
  /** Jobs of open pipelines that wait for a runner, oldest first. */
  listQueued(limit: number): Promise<QueuedJob[]>
  /** In the order of the file. */
  listViews(pipelineId: PipelineId): Promise<JobView[]>
  /** Attempts of all jobs, most recently placed first. */
  listPlacements(limit: number): Promise<PlacedAttempt[]>
}

export interface JobWriter extends JobReader {
  /** A job with `concurrency` is a member of its group from now until it has ended. */
  insert(jobs: readonly Job[]): Promise<void>
  /** Gives a job that has not begun another spec, and its place in the group of that; then it is saved. */
  replan(job: Job): Promise<void>
  /**
   * Writes the job's state and fence and inserts or updates the attempts whose numbers are in
   * `changed`; returns the job with its new version. An existing attempt keeps its count of lines, and
   * its sequence number only grows while its fence is the same; the returned job shows both.
   */
  save(job: Job, changed: readonly number[]): Promise<Job>
}
