import type { Following } from '../../cli/follow/follow-pipeline.ts'
import type { PipelineModel } from '../../cli/follow/pipeline-model.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { KeepFailed } from '../../runner/attempt/failed-sandbox.ts'
import type { Executor } from '../../runner/executor/executor.ts'
import type { NetworkSource } from '../../runner/network/network-source.ts'
import type { SandboxParts } from '../ensure-sandbox.ts'
import type { Secrets } from './secret-file.ts'
import type { WorkSnapshot } from './snapshot/snapshot-work.ts'

/** The event that a pipeline runs for. */
export interface LocalEvent extends Pick<CommitEvent, 'kind' | 'details'> {
  readonly snapshot: WorkSnapshot
  /** The repository's name, for people. */
  readonly name: string
  readonly ref: string
}

/** Narwhal's parts in this process, without a server and without persistent state. */
export interface LocalEngine extends AsyncDisposable {
  readonly executor: Executor
  readonly networks: NetworkSource
  /** Runs a pipeline to its end; all snapshots must have been made in the engine's folder. */
  run(event: LocalEvent, following: Following): Promise<PipelineModel>
}

/** Optional parts of a run. */
export interface LocalParts {
  /** The claim of the folder, which the engine releases; by default the engine claims the folder. */
  readonly claim?: AsyncDisposable
  readonly secrets?: Secrets
  /** Finds out, as soon as there is an executor, why jobs can't run; empty: they can. */
  readonly check?: (parts: SandboxParts) => Promise<string>
  /** Keeps sandboxes in which a step has failed. */
  readonly keepFailed?: KeepFailed | undefined
  /** Called when the run is to end, and has steps that may clean up before; as in `EndAfterCleanup`. */
  readonly onCleanup?: ((hasSteps: boolean) => void) | undefined
}
