import type { Attempt } from '../attempt/attempt.ts'
import type { JobId, PipelineId, RepositoryId } from '../ids.ts'
import type { JobSpec } from '../plan/plan.ts'
import type { JobState } from './job-state.ts'

export interface Job {
  readonly id: JobId
  readonly pipelineId: PipelineId
  readonly repositoryId: RepositoryId
  /** Its place in narwhal.yml, from 0. */
  readonly position: number
  readonly spec: JobSpec
  readonly state: JobState
  /** The last fencing token that was given out for this job; 0 before the first. */
  readonly fence: number
  /** Oldest first; the last is the current one once it is assigned. */
  readonly attempts: readonly Attempt[]
  /** Grows with every write; a write that names an older one is refused. */
  readonly version: number
}
