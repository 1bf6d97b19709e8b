import type { Phase } from '../attempt/attempt.ts'
import type { Concurrency } from '../concurrency/concurrency.ts'
import type { DispatcherId, EventId, PipelineId, RepositoryId } from '../ids.ts'
import type { Hold } from '../keeping.ts'
import type { Outcome } from '../outcome.ts'
import type { IncludedSource, Problem } from '../plan/plan.ts'
import type { TargetJobs } from '../plan/target-jobs.ts'
import type { ChangedFiles } from '../stranger/changed-files.ts'
import type { Approval } from './approval.ts'

export type PipelineState =
  /** Not planned yet; `reason`: what it waits for, if that takes long. */
  | { readonly status: 'pending'; readonly reason?: string }
  | { readonly status: 'running'; readonly startedAt: number }
  | {
      readonly status: 'finished'
      readonly outcome: Outcome
      readonly reason?: string
      readonly startedAt?: number
      readonly finishedAt: number
    }

export type PipelineStatus = PipelineState['status']
export const PIPELINE_STATUSES = [
  'pending',
  'running',
  'finished',
] as const satisfies readonly PipelineStatus[]

export interface Pipeline {
  readonly id: PipelineId
  readonly repositoryId: RepositoryId
  readonly eventId: EventId
  /** From 1 in each repository. */
  readonly number: number
  /** The `name` in narwhal.yml; empty until planned. */
  readonly name: string
  readonly state: PipelineState
  /** The errors in narwhal.yml, if they ended the pipeline. */
  readonly problems: readonly Problem[]
  readonly phases: readonly Phase[]
  /** Absent: nothing needs approval. */
  readonly approval?: Approval
  readonly rerunOf?: PipelineId
  /** The user who started it; absent: nobody, or a user without a name. */
  readonly startedBy?: string
  /** Its concurrency group; absent until planned. */
  readonly concurrency?: Concurrency
  readonly included?: readonly IncludedSource[]
  /** For a stranger's, once planned: what the target branch's file asks for. */
  readonly target?: TargetJobs
  /** For a stranger's, once planned: what its commit changes, if known. */
  readonly changed?: ChangedFiles
  /** Absent: the retention rules apply. Written only by `retention.setHold`. */
  readonly hold?: Hold
  readonly createdAt: number
  /** Its owner; absent once nobody needs to own it. */
  readonly dispatcherId?: DispatcherId
  /** The owner's fencing token: incremented whenever another dispatcher takes over the pipeline. */
  readonly term: number
  /** Incremented by every write; a write based on an older one is rejected. */
  readonly version: number
}
