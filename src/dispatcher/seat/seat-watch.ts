import { SEAT_MS } from '../../core/attempt/lease.ts'
import type { DispatcherId } from '../../core/ids.ts'
import type { DispatcherRecord } from '../../store/records.ts'

/** A look that comes so late says nothing about the time in between. */
const LATE_MS = SEAT_MS / 2

/**
 * Judges the seats of the others by their beats, on this process's own clock: one whose count has
 * stood still for SEAT_MS is over. After a pause of our own (a stall, a database that was away)
 * everybody is given the whole time anew, since then it may be ourselves who heard nothing.
 */
export class SeatWatch {
  readonly #seen = new Map<DispatcherId, { heartbeats: number; since: number }>()
  #lookedAt = Number.NEGATIVE_INFINITY

  /** The seats that are over by now; `now` is in milliseconds, on a clock that never jumps. */
  judge(seats: readonly DispatcherRecord[], now: number): DispatcherRecord[] {
    if (now - this.#lookedAt > LATE_MS) this.#seen.clear()
    this.#lookedAt = now
    const over: DispatcherRecord[] = []
    for (const seat of seats) {
      const { id, heartbeats } = seat
      const seen = this.#seen.get(id)
      if (seen?.heartbeats !== heartbeats) this.#seen.set(id, { heartbeats, since: now })
      else if (now - seen.since >= SEAT_MS) over.push(seat)
    }
    const ids = new Set(seats.map(({ id }) => id))
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id)
    return over
  }
}
