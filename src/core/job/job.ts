import { type Attempt, resultOf } from '../attempt/attempt.ts'
import type { JobId, PipelineId, RepositoryId } from '../ids.ts'
import type { Outputs } from '../plan/outputs.ts'
import type { JobSpec } from '../plan/plan.ts'
import type { JobState } from './job-state.ts'

/** The outputs of the job's current attempt, if any. */
export function outputsOf({
  state,
  attempts,
}: Pick<Job, 'state' | 'attempts'>): Outputs | undefined {
  const current = attempts.find(({ number }) => number === state.attempt)
  return current && resultOf(current)?.outputs
}

export interface Job {
  readonly id: JobId
  readonly pipelineId: PipelineId
  readonly repositoryId: RepositoryId
  /** Its index in narwhal.yml, from 0. */
  readonly position: number
  readonly spec: JobSpec
  readonly state: JobState
  /** The last fencing token issued for this job; 0 before the first. */
  readonly fence: number
  readonly attempts: readonly Attempt[]
  /** Incremented by every write; a write based on an older one is rejected. */
  readonly version: number
}
