import { type Attempt, resultOf } from '../attempt/attempt.ts'
import type { JobId, PipelineId, RepositoryId } from '../ids.ts'
import type { Outputs } from '../plan/outputs.ts'
import type { JobSpec } from '../plan/plan.ts'
import type { JobState } from './job-state.ts'

/** What the job has told in its present attempt, if it has told anything. */
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
