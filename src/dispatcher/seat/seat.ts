import { SEAT_BEAT_MS } from '../../core/attempt/lease.ts'
import type { DispatcherId } from '../../core/ids.ts'
import { every } from '../../lib/async/every.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { newId } from '../../lib/new-id.ts'
import { present } from '../../lib/present.ts'
import type { Uses } from '../../store/store.ts'
import type { Heartbeats, StartHeartbeats } from './heartbeats.ts'
import { SeatWatch } from './seat-watch.ts'

/** Every 10th poll searches for pipelines without an owner, whatever the seats say. */
const POLLS_PER_SEARCH = 10

export interface SeatDeps {
  readonly store: Uses<'dispatchers' | 'transact'>
  readonly log: Logger
  /** Absent for a dispatcher that is alone with its store: then it ends all other seats at once. */
  readonly startHeartbeats?: StartHeartbeats
  /** Where other processes reach this one. */
  readonly url?: string
}

/**
 * A dispatcher's membership: from `take` until it is disposed, or ended by another dispatcher that has missed
 * its heartbeats. Meanwhile it watches the others: pipelines of an expired seat become free, and `onFree` is
 * called whenever pipelines may be free.
 */
export class Seat implements AsyncDisposable {
  readonly id: DispatcherId
  readonly #store: SeatDeps['store']
  readonly #log: Logger
  readonly #heartbeats: Heartbeats | undefined
  readonly #ended = new AbortController()
  readonly #watch = new SeatWatch()
  readonly #stack = new AsyncDisposableStack()
  readonly #onFree: () => void
  #others: string | undefined
  #polls = 0

  private constructor(id: DispatcherId, deps: SeatDeps, onFree: () => void) {
    this.id = id
    this.#store = deps.store
    this.#log = deps.log
    this.#onFree = onFree
    this.#heartbeats = deps.startHeartbeats && this.#stack.use(deps.startHeartbeats(id))
    this.#heartbeats?.ended.addEventListener('abort', () => {
      this.#ended.abort(new NarwhalError('stale', 'another dispatcher has taken over'))
    })
  }

  /** Rejects as the store does. */
  static async take(deps: SeatDeps, onFree: () => void): Promise<Seat> {
    const id = newId('dispatcher')
    const place = { id, startedAt: Date.now(), ...present({ url: deps.url || undefined }) }
    await deps.store.transact(async (write) => {
      if (!deps.startHeartbeats) {
        const others = await write.dispatchers.list()
        await write.dispatchers.endSeats(others.map((other) => ({ id: other.id })))
      }
      await write.dispatchers.takeSeat(place)
    })
    const seat = new Seat(id, deps, onFree)
    if (deps.startHeartbeats) seat.#stack.use(seat.#watchOthers())
    return seat
  }

  /** Whether it is certainly valid now, so that leases may be confirmed under it. */
  get isGood(): boolean {
    return !this.#ended.signal.aborted && (this.#heartbeats?.isFresh ?? true)
  }

  /** Aborts when the seat was ended by another dispatcher. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  #watchOthers(): AsyncDisposable {
    return every(
      SEAT_BEAT_MS,
      () => this.#poll(),
      (error) => {
        const reason = describeError(error)
        this.#log.debug({ reason }, 'reading the other dispatchers failed')
      },
    )
  }

  async #poll(): Promise<void> {
    const seats = (await this.#store.dispatchers.list()).filter(({ id }) => id !== this.id)
    const expired = this.#watch.judge(seats, performance.now())
    for (const { id, heartbeats } of expired) {
      await this.#store.transact((write) => write.dispatchers.endSeats([{ id, heartbeats }]))
      this.#log.warn({ dispatcher: id }, 'dispatcher silent: its pipelines are taken over')
    }
    const others = seats.map(({ id }) => id).join()
    const isDue = ++this.#polls % POLLS_PER_SEARCH === 0
    if (expired.length > 0 || others !== this.#others || isDue) this.#onFree()
    this.#others = others
  }

  /** Gives up the seat, and so its pipelines; the next poll of any other dispatcher takes them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
    if (this.#ended.signal.aborted) return
    await this.#store
      .transact((write) => write.dispatchers.endSeats([{ id: this.id }]))
      .catch((error: unknown) => {
        this.#log.warn({ reason: describeError(error) }, 'giving up the seat failed')
      })
  }
}
