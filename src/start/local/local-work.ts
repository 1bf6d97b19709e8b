import type { Following } from '../../cli/follow/follow-pipeline.ts'
import type { PipelineModel } from '../../cli/follow/pipeline-model.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { KeepFailed } from '../../runner/attempt/failed-sandbox.ts'
import type { Executor } from '../../runner/executor/executor.ts'
import type { NetworkSource } from '../../runner/network/network-source.ts'
import type { Secrets } from './secret-file.ts'
import type { WorkSnapshot } from './snapshot-work.ts'

/** What is run. */
export interface LocalWork {
  readonly snapshot: WorkSnapshot
  /** The repository's name, for people. */
  readonly name: string
}

/** What a pipeline is run for. */
export interface LocalEvent extends LocalWork, Pick<CommitEvent, 'kind' | 'details'> {
  readonly ref: string
}

/** Narwhal's own parts in this process: no server, and nothing that lasts. */
export interface LocalEngine extends AsyncDisposable {
  readonly executor: Executor
  readonly networks: NetworkSource
  /** Runs a pipeline to its end; all snapshots must be in the repository of the first. */
  run(event: LocalEvent, following: Following): Promise<PipelineModel>
}

/** What a run may have besides. */
export interface LocalParts {
  /** That of the folder, the engine's to give up; it claims the folder itself unless given. */
  readonly claim?: AsyncDisposable
  readonly secrets?: Secrets
  /** Keeps sandboxes in which a step has failed. */
  readonly keepFailed?: KeepFailed | undefined
  /** What will be run first, once it is known: it is fetched while the engine is opened. */
  readonly first?: Promise<LocalWork>
}
