import type { JobId, PipelineId, RepositoryId } from '../../core/ids.ts'
import type { AgedPipeline, Hold, Keep, Removal } from '../../core/keeping.ts'

/** A repository with the rules of its own; absent: those of all. */
export interface RepositoryRules {
  readonly id: RepositoryId
  readonly name: string
  readonly logs?: Keep
  readonly pipelines?: Keep
  /** When it was removed. */
  readonly removedAt?: number
}

/** The place of a pipeline among those of its repository, whether it is still there or not. */
export type AgedPlace = Pick<AgedPipeline, 'id' | 'createdAt' | 'number'>

/** What one step has removed, and whether there is more of it. */
export interface RemovedSome {
  readonly rows: number
  /** Of logs, as they were stored. */
  readonly bytes: number
  readonly hasMore: boolean
  /** Whether nothing is left of it; neither: it has to stay. */
  readonly isDone: boolean
}

/** What is known of what is kept, and for how long. */
export interface RetentionReader {
  /** Before this moment nothing goes: who has just come to a version that removes things is to see it first. */
  begins(): Promise<number>
  /** Those that were removed, too, as long as something of them is there. */
  listRules(): Promise<RepositoryRules[]>
  /** Pipelines of a repository behind this place, newest first. */
  listAged(
    repositoryId: RepositoryId,
    page: { readonly after?: AgedPlace; readonly limit: number },
  ): Promise<(AgedPipeline & { readonly id: PipelineId })[]>
  /** Those of a repository that are held at this moment, and what was run again of them. */
  listHeld(repositoryId: RepositoryId, at: number): Promise<Set<PipelineId>>
  /** How many bytes the logs of a pipeline take. */
  logBytes(id: PipelineId): Promise<number>
  findRemoval(id: PipelineId | JobId): Promise<Removal | undefined>
  findLogRemoval(id: PipelineId): Promise<Removal | undefined>
}

/**
 * Each call removes a bounded part, in some milliseconds, so that whoever waits for the database waits no
 * longer than that; nothing is removed of a pipeline that goes on.
 */
export interface RetentionWriter extends RetentionReader {
  setRules(
    id: RepositoryId,
    rules: { readonly logs?: Keep; readonly pipelines?: Keep },
  ): Promise<void>
  /** A change of the pipeline that is told. Undefined: it is not held any more. Whether it is there. */
  setHold(id: PipelineId, hold: Hold | undefined): Promise<boolean>
  /** Some of the logs of a pipeline; with the last of them it is noted that they went. */
  removeLogs(id: PipelineId, removal: Removal): Promise<RemovedSome>
  /** Some of a pipeline, and at last itself. Nothing, where a rerun of it is there. */
  removePipeline(id: PipelineId, removal: Removal): Promise<RemovedSome>
  /** Some of what else belongs to a repository that was removed and has no pipelines, and at last itself. */
  sweepRepository(id: RepositoryId): Promise<RemovedSome>
  /** Forgets some of the things that went, never of the newest `keep`; how many, 0: there are no more. */
  forgetRemovals(keep: number): Promise<number>
}
