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
  /** Inserts or replaces it; rejects with `conflict` when another has its name. */
  save(runner: Runner): Promise<void>
  /**
   * Writes what a dispatcher sees of a registered runner: all from `members` to `lastSeenAt` but
   * the wishes (`draining`, `asideReason`, `failures`). Writes nothing and returns false when the
   * runner is not registered any more, or when it is offline for this dispatcher only: another
   * with a seat was the last to be connected to it.
   */
  note(runner: Runner, by: DispatcherId): Promise<boolean>
  setDraining(id: RunnerId, draining: boolean): Promise<void>
  /** Counts one more failure, or none; returns how many it has had in a row. */
  countFailure(id: RunnerId, failed: boolean): Promise<number>
  /** Takes a runner out of service for a reason; undefined: takes it back, its failures forgotten. */
  setAside(id: RunnerId, reason: string | undefined): Promise<void>
  remove(id: RunnerId): Promise<void>
}
