import type { DispatcherId } from '../../core/ids.ts'
import type { DispatcherRecord } from '../records.ts'

/** The seats of dispatchers: which of them are alive. */
export interface DispatcherReader {
  /** The seats that have not ended, oldest first. */
  list(): Promise<DispatcherRecord[]>
}

export interface DispatcherWriter extends DispatcherReader {
  /** Creates a dispatcher's seat. */
  takeSeat(seat: { id: DispatcherId; url?: string; startedAt: number }): Promise<void>
  /** Counts a heartbeat; false if the seat was ended meanwhile, and with it the right to write. */
  heartbeat(id: DispatcherId): Promise<boolean>
  /**
   * Ends seats whose count of heartbeats is still the given one; without a count, unconditionally
   * (one's own). This frees their pipelines.
   */
  endSeats(
    seats: readonly { readonly id: DispatcherId; readonly heartbeats?: number }[],
  ): Promise<void>
}
