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
  /** Not planned yet; `reason`: what it waits for, where that takes its time. */
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
  /** Counts from 1 in its repository. */
  readonly number: number
  /** The `name` in narwhal.yml; empty until planned. */
  readonly name: string
  readonly state: PipelineState
  /** What is wrong in narwhal.yml, when that ended the pipeline. */
  readonly problems: readonly Problem[]
  readonly phases: readonly Phase[]
  /** Absent as long as nothing has asked for it. */
  readonly approval?: Approval
  readonly rerunOf?: PipelineId
  /** The user who wanted it; absent where it was no person, or one without a name. */
  readonly startedBy?: string
  /** The group of pipelines that it is in; absent until planned. */
  readonly concurrency?: Concurrency
  /** What it was planned from besides narwhal.yml. */
  readonly included?: readonly IncludedSource[]
  /** Of a stranger's, once it is planned: what the branch that it wants into asks for. */
  readonly target?: TargetJobs
  /** Of a stranger's, once it is planned: what its commit changes, where that is known. */
  readonly changed?: ChangedFiles
  /** Absent: it is kept as the rules say. Written by `retention.setHold` alone. */
  readonly hold?: Hold
  readonly createdAt: number
  /** Who sees it through; absent when nobody does any more. */
  readonly dispatcherId?: DispatcherId
  /** The fencing token of that: grows whenever another dispatcher takes the pipeline. */
  readonly term: number
  /** Grows with every write; a write that names an older one is refused. */
  readonly version: number
}
