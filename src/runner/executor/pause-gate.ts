import { withSignal } from '../../lib/async/with-signal.ts'

/** How long `close` waits for what is just being started, in milliseconds. */
const LONGEST_START_MS = 1_000

/**
 * Keeps a paused sandbox from starting anything: *open* (a period that ends when it is closed) or
 * *closed*. What has begun to start while it was open is waited for by `close`, so that whoever pauses
 * after it finds all there is.
 */
export class PauseGate {
  #period = new AbortController()
  /** Who waits until it is opened. */
  readonly #waiting = new Set<() => void>()
  readonly #starting = new Set<Promise<unknown>>()

  /** Aborts when the gate is closed; each opening begins a new one. */
  get period(): AbortSignal {
    return this.#period.signal
  }

  /** Starts something as soon as the gate is open; rejects with the signal's reason if that comes first. */
  async pass<Started>(start: () => Promise<Started>, signal: AbortSignal): Promise<Started> {
    // Again, if it was closed just before this went on.
    do await this.whenOpen(signal)
    while (this.period.aborted)
    const started = start()
    this.#starting.add(started)
    try {
      return await started
    } finally {
      this.#starting.delete(started)
    }
  }

  async whenOpen(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    while (this.period.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.add(resolve)
      try {
        await withSignal(promise, signal)
      } finally {
        this.#waiting.delete(resolve)
      }
    }
  }

  /** Resolves when nothing is being started any more, or when that takes too long. */
  async close(): Promise<void> {
    this.#period.abort()
    if (this.#starting.size === 0) return
    const patience = Promise.withResolvers<void>()
    const timer = setTimeout(patience.resolve, LONGEST_START_MS)
    await Promise.race([Promise.allSettled(this.#starting), patience.promise])
    clearTimeout(timer)
  }

  open(): void {
    if (!this.period.aborted) return
    this.#period = new AbortController()
    for (const goOn of this.#waiting) goOn()
  }
}
