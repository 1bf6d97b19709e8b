import type { PipelineView } from '../../contract/rest/views.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { DispatcherId, PipelineId, RepositoryId } from '../../core/ids.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { Pipeline, PipelineStatus } from '../../core/pipeline/pipeline.ts'
import type { CreatedPipeline, NewPipeline, PipelineDetail, UntestedBase } from '../records.ts'

export interface PipelineFilter {
  readonly repositoryId?: RepositoryId
  /** Only pipelines of these. */
  readonly repositoryIds?: readonly RepositoryId[]
  readonly status?: PipelineStatus
  readonly outcome?: Outcome
  /** A full ref, or the short name of a branch or tag. */
  readonly ref?: string
  readonly kind?: CommitEvent['kind']
  readonly author?: string
  /** A part of the title, the ref, the author or the repository's name, or the start of the sha. */
  readonly text?: string
  /** Only pipelines older than this one: the next page. */
  readonly before?: PipelineId
  readonly limit: number
}

/** Whether the filter has no index and may have to scan all pipelines. */
export function isSearch({ outcome, ref, kind, author, text }: PipelineFilter): boolean {
  return [outcome, ref, kind, author, text || undefined].some((wanted) => wanted !== undefined)
}

export interface AwaitingQuery {
  /** Only pipelines of these. */
  readonly repositoryIds?: readonly RepositoryId[]
  /** Only pipelines of this repository and of this full ref. */
  readonly repositoryId?: RepositoryId
  readonly ref?: string
  /** Only pipelines with a smaller number in their repository. */
  readonly belowNumber?: number
  /** Only pipelines that have been waiting since before this time. */
  readonly before?: number
  /** Only pipelines of closed pull requests, except reruns created after the closing. */
  readonly isClosed?: true
  readonly limit: number
}

/** Pipelines, and the dispatcher that owns each of them. */
export interface PipelineReader {
  /** A consistent snapshot; also of a removed repository. */
  find(id: PipelineId): Promise<PipelineDetail | undefined>
  findView(id: PipelineId): Promise<PipelineView | undefined>
  /**
   * Newest first. A search yields to other work and rejects with the signal's reason when aborted;
   * pipelines created meanwhile may be missing.
   */
  listViews(filter: PipelineFilter, signal?: AbortSignal): Promise<PipelineView[]>
  /** Pipelines that wait for approval, longest waiting first. */
  listAwaiting(query: AwaitingQuery): Promise<PipelineView[]>
  /**
   * The commit since which a push's branch has not been tested: where the first of the pushes before it
   * began whose pipelines have not ended, or were superseded. Undefined: the last one was tested.
   */
  findUntestedBase(event: CommitEvent): Promise<UntestedBase | undefined>
  /** Open pipelines of a dispatcher, each with its term; in no particular order. */
  listOf(by: DispatcherId): Promise<{ id: PipelineId; term: number }[]>
}

export interface PipelineWriter extends PipelineReader {
  /**
   * Creates the pipeline of an event with the next number of its repository. Idempotent: an event has
   * one pipeline apart from its reruns; if it exists, it is returned and `created` is false. Rejects
   * with `not_found` if it does not exist and the repository was removed.
   */
  create(pipeline: NewPipeline): Promise<CreatedPipeline>
  /**
   * Writes state, name, problems, phases, approval and concurrency; returns the pipeline with its new
   * version. It is a member of its group while it is running.
   */
  save(pipeline: Pipeline): Promise<Pipeline>
  /** Assigns all free open pipelines to the dispatcher, under new terms; oldest first. */
  takeFree(by: DispatcherId): Promise<PipelineId[]>
  /** Assigns one pipeline to the dispatcher under a new term, even if another owns it. Idempotent. */
  take(id: PipelineId, by: DispatcherId): Promise<void>
  /**
   * Must be called before other writes to the pipeline: no other dispatcher can take it until the
   * transaction ends. Rejects with `stale` unless this dispatcher owns it under this term.
   */
  guard(id: PipelineId, by: DispatcherId, term: number): Promise<void>
  /**
   * For a transaction that will guard several pipelines: locks them at once in the order of their ids,
   * so that guarding one of them needs no query. Unknown ids are ignored.
   */
  lock(ids: readonly PipelineId[]): Promise<void>
}
