import type { StateChange } from '../../contract/live/live-event.ts'
import type { PipelineId } from '../../core/ids.ts'

export interface ChangeQuery {
  readonly after: number
  readonly limit: number
  readonly scope?: { readonly pipelineId: PipelineId } | 'runners'
}

/** State changes, numbered in ascending order. */
export interface ChangeReader {
  /**
   * At most `limit` changes with numbers above `after`, ascending: all, or those of one pipeline and
   * its jobs, or those of runners. `truncated`: some have already been pruned.
   */
  list(query: ChangeQuery): Promise<{ changes: StateChange[]; truncated: boolean }>
  /** The number of the newest state change; 0 if there is none. */
  last(): Promise<number>
}

export interface ChangeWriter extends ChangeReader {
  /** Removes all state changes except the newest `keep`. */
  prune(keep: number): Promise<void>
}
