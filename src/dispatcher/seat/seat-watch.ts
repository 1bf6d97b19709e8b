import { SEAT_MS } from '../../core/attempt/lease.ts'
import type { DispatcherId } from '../../core/ids.ts'
import type { DispatcherRecord } from '../../store/records.ts'

/** A later poll says nothing about the time in between. */
const LATE_MS = SEAT_MS / 2

/**
 * Judges other seats by their heartbeats, on this process's own clock: one whose count has not changed for
 * SEAT_MS has expired. After a pause of our own (a stall, an unavailable database) everyone gets the full
 * time again, since the missing heartbeats may be our own fault.
 */
export class SeatWatch {
  readonly #seen = new Map<DispatcherId, { heartbeats: number; since: number }>()
  #polledAt = Number.NEGATIVE_INFINITY

  /** The seats that have expired; `now` is in milliseconds, on a monotonic clock. */
  judge(seats: readonly DispatcherRecord[], now: number): DispatcherRecord[] {
    if (now - this.#polledAt > LATE_MS) this.#seen.clear()
    this.#polledAt = now
    const expired: DispatcherRecord[] = []
    for (const seat of seats) {
      const { id, heartbeats } = seat
      const seen = this.#seen.get(id)
      if (seen?.heartbeats !== heartbeats) this.#seen.set(id, { heartbeats, since: now })
      else if (now - seen.since >= SEAT_MS) expired.push(seat)
    }
    const ids = new Set(seats.map(({ id }) => id))
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id)
    return expired
  }
}
