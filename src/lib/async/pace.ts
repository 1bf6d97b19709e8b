import { setTimeout as sleep } from 'node:timers/promises'

/** Lets so many pass at once, and then so many in each millisecond; further ones wait. */
export class Pace {
  readonly #most: number
  readonly #perMs: number
  #left: number
  #at = performance.now()

  constructor(most: number, perMs: number) {
    this.#most = most
    this.#perMs = perMs
    this.#left = most
  }

  /** Resolves at once, or when there is room again; rejects when the signal aborts meanwhile. */
  async take(signal?: AbortSignal): Promise<void> {
    this.#fill()
    this.#left--
    if (this.#left >= 0) return
    // Until there is room for a tenth again: a timer for each would cost more than what it holds up.
    const ms = Math.ceil(this.#most / 10 / this.#perMs)
    await sleep(ms, undefined, signal ? { signal } : {})
    this.#fill()
  }

  #fill(): void {
    const now = performance.now()
    this.#left = Math.min(this.#most, this.#left + (now - this.#at) * this.#perMs)
    this.#at = now
  }
}
