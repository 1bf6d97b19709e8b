import { withSignal } from '../../lib/async/with-signal.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { placeLeftBy, Takers } from './takers.ts'

export interface FairPlacesOptions {
  /** Concurrent ones, in total. */
  readonly atOnce: number
  /** Concurrent ones of one caller. */
  readonly atOnceOfOne: number
  /** Waiting ones, in total; further ones are rejected. */
  readonly waiting: number
  /** Running and waiting ones of one caller. */
  readonly ofOne: number
  /** What they do, such as "searches of pipelines are running". */
  readonly doing: string
}

interface Waiter {
  readonly who: string
  readonly enter: () => void
}

/**
 * A fair semaphore for slow work: a caller with many requests waits behind its own, and can't take the
 * others' share. Waiting callers are admitted in order, except those that have their share already.
 */
export class FairPlaces {
  readonly #options: FairPlacesOptions
  readonly #running = new Takers()
  #waiters: Waiter[] = []

  constructor(options: FairPlacesOptions) {
    this.#options = options
  }

  /**
   * Resolves to a permit, which is released by disposing it; rejects with `exhausted` if too many are
   * running or waiting, and with the signal's reason.
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
      throw new NarwhalError('exhausted', `${ofOne} ${doing} for you: try again later`)
    }
    if (this.#mayEnter(who) || this.#waiters.length < waiting) return
    const all = this.#running.all + this.#waiters.length
    throw new NarwhalError('exhausted', `${all} ${doing}: try again later`)
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
      // Admitted and aborted in the same turn.
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
