import { SEAT_BEAT_MS } from '../../core/attempt/lease.ts'
import type { DispatcherId } from '../../core/ids.ts'
import { every } from '../../lib/async/every.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { newId } from '../../lib/new-id.ts'
import type { Store } from '../../store/store.ts'
import type { Beats, StartBeats } from './beats.ts'
import { SeatWatch } from './seat-watch.ts'

/** Every so many looks pipelines are sought that nobody has, whatever the seats say. */
const LOOKS_PER_SEARCH = 10

export interface SeatDeps {
  readonly store: Store
  readonly log: Logger
  /** Absent for a dispatcher that is alone with its store: then it ends all other seats at once. */
  readonly startBeats?: StartBeats
  /** Where other processes reach this one. */
  readonly url?: string
}

/**
 * A dispatcher's place among the others, from `take` until it is disposed or ended by another that
 * has not seen it beat. Meanwhile it looks after the others: what a seat that is over has left
 * becomes free, and `onFree` is called whenever pipelines may be free.
 */
export class Seat implements AsyncDisposable {
  readonly id: DispatcherId
  readonly #store: Store
  readonly #log: Logger
  readonly #beats: Beats | undefined
  readonly #ended = new AbortController()
  readonly #watch = new SeatWatch()
  readonly #stack = new AsyncDisposableStack()
  readonly #onFree: () => void
  #others: string | undefined
  #looks = 0

  private constructor(id: DispatcherId, deps: SeatDeps, onFree: () => void) {
    this.id = id
    this.#store = deps.store
    this.#log = deps.log
    this.#onFree = onFree
    this.#beats = deps.startBeats && this.#stack.use(deps.startBeats(id))
    this.#beats?.ended.addEventListener('abort', () => this.#end())
  }

  /** Rejects as the store does. */
  static async take(deps: SeatDeps, onFree: () => void): Promise<Seat> {
    const id = newId('dispatcher')
    const place = { id, startedAt: Date.now(), ...(deps.url ? { url: deps.url } : {}) }
    await deps.store.transact(async (write) => {
      if (!deps.startBeats) {
        const others = await write.dispatchers.list()
        await write.dispatchers.endSeats(others.map((other) => ({ id: other.id })))
      }
      await write.dispatchers.takeSeat(place)
    })
    const seat = new Seat(id, deps, onFree)
    if (deps.startBeats) seat.#stack.use(seat.#lookAfterOthers())
    return seat
  }

  /** Whether it surely holds now, so that leases may be confirmed under it. */
  get isGood(): boolean {
    return !this.#ended.signal.aborted && (this.#beats?.isFresh ?? true)
  }

  /** Aborts when the seat was ended by another dispatcher. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  #end(): void {
    this.#ended.abort(new NarwhalError('stale', 'another dispatcher has taken over'))
  }

  #lookAfterOthers(): AsyncDisposable {
    return every(
      SEAT_BEAT_MS,
      () => this.#look(),
      (error) => {
        const reason = describeError(error)
        this.#log.debug({ reason }, 'the other dispatchers could not be seen')
      },
    )
  }

  async #look(): Promise<void> {
    const seats = (await this.#store.dispatchers.list()).filter(({ id }) => id !== this.id)
    const over = this.#watch.judge(seats, performance.now())
    for (const { id, heartbeats } of over) {
      await this.#store.transact((write) => write.dispatchers.endSeats([{ id, heartbeats }]))
      this.#log.warn({ dispatcher: id }, 'a dispatcher is silent: its pipelines are taken over')
    }
    const others = seats.map(({ id }) => id).join()
    const isDue = ++this.#looks % LOOKS_PER_SEARCH === 0
    if (over.length > 0 || others !== this.#others || isDue) this.#onFree()
    this.#others = others
  }

  /** Gives the seat up, and so its pipelines; the next look of any other dispatcher takes them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
    if (this.#ended.signal.aborted) return
    await this.#store
      .transact((write) => write.dispatchers.endSeats([{ id: this.id }]))
      .catch((error: unknown) => {
        this.#log.warn({ reason: describeError(error) }, 'the seat could not be given up')
      })
  }
}
