const LONGEST_TIMER_MS = 2 ** 31 - 1

/** A timeout that can be paused; paused time doesn't count. */
export class TimeLimit implements Disposable {
  readonly #onOver: () => void
  #leftMs: number
  #runningSince: number | undefined
  #timer: NodeJS.Timeout | undefined

  /** Starts at once; 0 milliseconds: no limit. */
  constructor(limitMs: number, onOver: () => void) {
    this.#onOver = onOver
    this.#leftMs = limitMs > 0 ? limitMs : Infinity
    this.resume()
  }

  get isRunning(): boolean {
    return this.#runningSince !== undefined
  }

  resume(): void {
    if (this.#runningSince !== undefined || this.#leftMs === Infinity) return
    this.#runningSince = performance.now()
    this.#timer = setTimeout(this.#onOver, Math.min(this.#leftMs, LONGEST_TIMER_MS))
  }

  pause(): void {
    if (this.#runningSince === undefined) return
    clearTimeout(this.#timer)
    this.#leftMs = Math.max(0, this.#leftMs - (performance.now() - this.#runningSince))
    this.#runningSince = undefined
  }

  [Symbol.dispose](): void {
    this.pause()
    this.#leftMs = Infinity
  }
}

/** `500 ms`, `90 s`, `5 min`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${ms} ms`
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}
