import type { JobId, PipelineId, RepositoryId } from '../../core/ids.ts'
import type { AgedPipeline, Hold, Keep, Removal } from '../../core/keeping.ts'

/** A repository with its own rules; absent: the global ones. */
export interface RepositoryRules {
  readonly id: RepositoryId
  readonly name: string
  readonly logs?: Keep
  readonly pipelines?: Keep
  /** When it was removed. */
  readonly removedAt?: number
}

/** A position among the pipelines of a repository, also of one that was removed. */
export type AgedPlace = Pick<AgedPipeline, 'id' | 'createdAt' | 'number'>

/** What one step has removed, and whether there is more. */
export interface RemovedSome {
  readonly rows: number
  /** Of logs, as stored. */
  readonly bytes: number
  readonly hasMore: boolean
  /** Whether nothing is left of it; if neither, it must be kept. */
  readonly isDone: boolean
}

/** What is kept, and for how long. */
export interface RetentionReader {
  /** Nothing is removed before this time: a grace period after an upgrade to a version with retention. */
  begins(): Promise<number>
  /** Includes removed repositories of which something is left. */
  listRules(): Promise<RepositoryRules[]>
  /** Pipelines of a repository after this position, newest first. */
  listAged(
    repositoryId: RepositoryId,
    page: { readonly after?: AgedPlace; readonly limit: number },
  ): Promise<(AgedPipeline & { readonly id: PipelineId })[]>
  /** The pipelines of a repository that are held at this time, and their reruns. */
  listHeld(repositoryId: RepositoryId, at: number): Promise<Set<PipelineId>>
  /** The size of a pipeline's logs in bytes. */
  logBytes(id: PipelineId): Promise<number>
  findRemoval(id: PipelineId | JobId): Promise<Removal | undefined>
  findLogRemoval(id: PipelineId): Promise<Removal | undefined>
}

/**
 * Each call removes a bounded amount in a few milliseconds, so that others don't wait long for the
 * database; nothing is removed from a pipeline in progress.
 */
export interface RetentionWriter extends RetentionReader {
  setRules(
    id: RepositoryId,
    rules: { readonly logs?: Keep; readonly pipelines?: Keep },
  ): Promise<void>
  /** A state change of the pipeline. Undefined: releases it. Returns whether the pipeline exists. */
  setHold(id: PipelineId, hold: Hold | undefined): Promise<boolean>
  /** Removes some of a pipeline's logs; the last call records their removal. */
  removeLogs(id: PipelineId, removal: Removal): Promise<RemovedSome>
  /** Removes some of a pipeline, and finally itself. Nothing, while it has a rerun. */
  removePipeline(id: PipelineId, removal: Removal): Promise<RemovedSome>
  /** Removes some rows of a removed repository without pipelines, and finally its own. */
  sweepRepository(id: RepositoryId): Promise<RemovedSome>
  /** Deletes some records of removals beyond the newest `keep`; returns their number, 0 at the end. */
  forgetRemovals(keep: number): Promise<number>
}
