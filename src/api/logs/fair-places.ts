import { withSignal } from '../../lib/async/with-signal.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { placeLeftBy, Takers } from './takers.ts'

export interface FairPlacesOptions {
  /** So many at a time, in all. */
  readonly atOnce: number
  /** So many at a time of one person. */
  readonly atOnceOfOne: number
  /** So many wait for a place, in all; whoever comes then is refused. */
  readonly waiting: number
  /** So many are there of one person, those that wait too. */
  readonly ofOne: number
  /** What they do, such as "searches go through pipelines". */
  readonly doing: string
}

interface Waiter {
  readonly who: string
  readonly enter: () => void
}

/**
 * Places for what takes long, shared among people: one who asks for many waits behind what is his own,
 * and takes nobody else's place. Who waits is let in in the order in which they came, but for those
 * who have their share already.
 */
export class FairPlaces {
  readonly #options: FairPlacesOptions
  /** Those who are in. */
  readonly #running = new Takers()
  #waiters: Waiter[] = []

  constructor(options: FairPlacesOptions) {
    this.#options = options
  }

  /**
   * Resolves to a place, until it is disposed of; rejects with `exhausted` when too many are there
   * already, and with the signal's reason.
   */
  async take(who: string, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    this.#refuseTooMany(who)
    if (!this.#mayEnter(who)) await this.#wait(who, signal)
    else this.#running.add(who)
    return placeLeftBy(() => this.#leave(who))
  }

  #refuseTooMany(who: string): void {
    const { ofOne, waiting, doing } = this.#options
    const own = this.#waiters.filter((waiter) => waiter.who === who).length
    if (own + this.#running.of(who) >= ofOne) {
      throw new NarwhalError('exhausted', `${ofOne} ${doing} for you already: try again later`)
    }
    if (this.#mayEnter(who) || this.#waiters.length < waiting) return
    const all = this.#running.all + this.#waiters.length
    throw new NarwhalError('exhausted', `${all} ${doing} already: try again later`)
  }

  #mayEnter(who: string): boolean {
    const { atOnce, atOnceOfOne } = this.#options
    return this.#running.all < atOnce && this.#running.of(who) < atOnceOfOne
  }

  async #wait(who: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    let hasEntered = false
    const waiter = {
      who,
      enter: (): void => {
        hasEntered = true
        resolve()
      },
    }
    this.#waiters.push(waiter)
    try {
      await withSignal(promise, signal)
    } catch (error) {
      this.#waiters = this.#waiters.filter((other) => other !== waiter)
      // It was let in at the moment in which it gave up.
      if (hasEntered) this.#leave(who)
      throw error
    }
  }

  #leave(who: string): void {
    this.#running.remove(who)
    const next = this.#waiters.findIndex((waiter) => this.#mayEnter(waiter.who))
    const [waiter] = next === -1 ? [] : this.#waiters.splice(next, 1)
    if (!waiter) return
    this.#running.add(waiter.who)
    waiter.enter()
  }
}
