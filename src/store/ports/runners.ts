import type { RunnerView } from '../../contract/rest/views.ts'
import type { DispatcherId, RunnerId } from '../../core/ids.ts'
import type { Runner } from '../../core/runner/runner.ts'

/** Registered runners. */
export interface RunnerReader {
  find(idOrName: string): Promise<Runner | undefined>
  findByIdentity(hash: string): Promise<Runner | undefined>
  list(): Promise<Runner[]>
  listViews(): Promise<RunnerView[]>
}

export interface RunnerWriter extends RunnerReader {
  /** Inserts or replaces it; rejects with `conflict` if another runner has its name. */
  save(runner: Runner): Promise<void>
  /**
   * Writes the observed state of a registered runner, not its desired state (`draining`,
   * `asideReason`, `failures`). Writes nothing and returns false if the runner is no longer registered,
   * or is offline for this dispatcher only: another live dispatcher was the last one connected to it.
   */
  note(runner: Runner, by: DispatcherId): Promise<boolean>
  setDraining(id: RunnerId, draining: boolean): Promise<void>
  /** Counts a failure, or resets the count; returns the number of consecutive failures. */
  countFailure(id: RunnerId, failed: boolean): Promise<number>
  /** Quarantines a runner for a reason; undefined: ends that and resets its failures. */
  setAside(id: RunnerId, reason: string | undefined): Promise<void>
  remove(id: RunnerId): Promise<void>
}
