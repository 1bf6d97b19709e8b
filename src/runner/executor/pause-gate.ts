import { Pending } from '../../lib/async/pending.ts'
import { withSignal } from '../../lib/async/with-signal.ts'
import { within } from '../../lib/async/within.ts'

/** How long `close` waits for starts in progress, in milliseconds. */
const LONGEST_START_MS = 1_000

/**
 * Keeps a paused sandbox from starting anything: *open* or *closed*. `close` waits for starts in progress, so
 * that a pause that follows it catches every process.
 */
export class PauseGate {
  #period = new AbortController()
  readonly #waiting = new Set<() => void>()
  readonly #starting = new Pending()

  /** Aborts when the gate is closed; each opening begins a new period. */
  get period(): AbortSignal {
    return this.#period.signal
  }

  /** Runs `start` once the gate is open; rejects with the signal's reason if that aborts first. */
  async pass<Started>(start: () => Promise<Started>, signal: AbortSignal): Promise<Started> {
    // Again if it was closed before this continued.
    do await this.whenOpen(signal)
    while (this.period.aborted)
    return await this.#starting.add(start())
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

  /** Resolves when no start is in progress, or after a timeout. */
  async close(): Promise<void> {
    this.#period.abort()
    if (this.#starting.size === 0) return
    const late = new Error('starting takes too long')
    await within(LONGEST_START_MS, this.#starting.settled(), late).catch(() => {})
  }

  open(): void {
    if (!this.period.aborted) return
    this.#period = new AbortController()
    for (const resume of this.#waiting) resume()
  }
}
