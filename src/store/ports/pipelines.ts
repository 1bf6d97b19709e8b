import type { PipelineView } from '../../contract/rest/views.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { DispatcherId, PipelineId, RepositoryId } from '../../core/ids.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { Pipeline, PipelineStatus } from '../../core/pipeline/pipeline.ts'
import type { CreatedPipeline, NewPipeline, PipelineDetail } from '../records.ts'

export interface PipelineFilter {
  readonly repositoryId?: RepositoryId
  /** Only those of one of these. */
  readonly repositoryIds?: readonly RepositoryId[]
  readonly status?: PipelineStatus
  readonly outcome?: Outcome
  /** A full ref, or the short name of a branch or tag. */
  readonly ref?: string
  readonly kind?: CommitEvent['kind']
  readonly author?: string
  /** Part of the title, the ref, the author, the repository's name or the start of the sha. */
  readonly text?: string
  /** Only those older than this one: the next page. */
  readonly before?: PipelineId
  readonly limit: number
}

/** Whether the filter may have to look at every pipeline: no index leads to what it wants. */
export function isSearch({ outcome, ref, kind, author, text }: PipelineFilter): boolean {
  return [outcome, ref, kind, author, text || undefined].some((wanted) => wanted !== undefined)
}

export interface AwaitingQuery {
  /** Only those of one of these. */
  readonly repositoryIds?: readonly RepositoryId[]
  /** Only those of this repository, and of this full ref. */
  readonly repositoryId?: RepositoryId
  readonly ref?: string
  /** Only those with a smaller number in their repository. */
  readonly belowNumber?: number
  /** Only those that wait since before then. */
  readonly before?: number
  /** Only those of pull requests that were closed, but for what was run again after that. */
  readonly isClosed?: true
  readonly limit: number
}

/** Pipelines, and which dispatcher has each of them. */
export interface PipelineReader {
  /** All as it was at one moment; also of a repository that was removed. */
  find(id: PipelineId): Promise<PipelineDetail | undefined>
  findView(id: PipelineId): Promise<PipelineView | undefined>
  /**
   * Newest first. A search lets others have their turn again and again, and ends with the signal, by its
   * reason; pipelines that come meanwhile may be missing.
   */
  listViews(filter: PipelineFilter, signal?: AbortSignal): Promise<PipelineView[]>
  /** Pipelines that wait for approval, those that have waited longest first. */
  listAwaiting(query: AwaitingQuery): Promise<PipelineView[]>
  /** Open pipelines of a dispatcher, each with the term under which it has them; in no order. */
  listOf(by: DispatcherId): Promise<{ id: PipelineId; term: number }[]>
}

export interface PipelineWriter extends PipelineReader {
  /**
   * Creates the pipeline of an event, with the next number of its repository. An event has one
   * pipeline besides its reruns: if it is there, it is returned, and `created` is false. Rejects
   * with `not_found` when there is none and the repository was removed.
   */
  create(pipeline: NewPipeline): Promise<CreatedPipeline>
  /**
   * Writes state, name, problems, phases, approval and concurrency; returns it with its new version. It is in its
   * group from when it runs until it has ended.
   */
  save(pipeline: Pipeline): Promise<Pipeline>
  /** Gives the dispatcher all open pipelines that are free, under new terms; oldest first. */
  takeFree(by: DispatcherId): Promise<PipelineId[]>
  /** Gives it one pipeline, whoever had it, under a new term; nothing changes if it has it. */
  take(id: PipelineId, by: DispatcherId): Promise<void>
  /**
   * To be called before other writes to the pipeline, which no other dispatcher can take until the
   * transaction ends. Rejects with `stale` unless it is this dispatcher's under this term.
   */
  guard(id: PipelineId, by: DispatcherId, term: number): Promise<void>
  /**
   * For a transaction that will guard several: locks these at once, those that are there, in the order
   * of their ids, so that guarding one of them asks nobody.
   */
  lock(ids: readonly PipelineId[]): Promise<void>
}
