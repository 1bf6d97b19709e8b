import type { DispatcherId } from '../../core/ids.ts'
import type { DispatcherRecord } from '../records.ts'

/** The seats of dispatchers: who lives. */
export interface DispatcherReader {
  /** The seats that nobody has ended yet, oldest first. */
  list(): Promise<DispatcherRecord[]>
}

export interface DispatcherWriter extends DispatcherReader {
  /** Begins a dispatcher's life. */
  takeSeat(seat: { id: DispatcherId; url?: string; startedAt: number }): Promise<void>
  /** Adds a beat; false when the seat was ended meanwhile, and with it every right to write. */
  heartbeat(id: DispatcherId): Promise<boolean>
  /**
   * Ends seats whose count of beats is still the given one (one's own: whatever it is). Their
   * pipelines are free from then on.
   */
  endSeats(
    seats: readonly { readonly id: DispatcherId; readonly heartbeats?: number }[],
  ): Promise<void>
}
