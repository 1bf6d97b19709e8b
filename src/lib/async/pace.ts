import { setTimeout as sleep } from 'node:timers/promises'

/** A token bucket: lets up to `most` pass at once and refills `perMs` tokens per millisecond; others wait. */
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

  /** Takes a token, waiting while there is none; rejects when the signal aborts meanwhile. */
  async take(signal?: AbortSignal): Promise<void> {
    this.#fill()
    this.#left--
    if (this.#left >= 0) return
    // Waits for a tenth of the bucket: a timer per caller would cost more than the work it delays.
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
