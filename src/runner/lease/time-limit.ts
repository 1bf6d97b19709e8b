const LONGEST_TIMER_MS = 2 ** 31 - 1

/** A time-out that can stand still: it counts only the time between `go` and `stop`. */
export class TimeLimit implements Disposable {
  readonly #onOver: () => void
  #leftMs: number
  #goingSince: number | undefined
  #timer: NodeJS.Timeout | undefined

  /** Goes at once; 0 milliseconds: never over. */
  constructor(limitMs: number, onOver: () => void) {
    this.#onOver = onOver
    this.#leftMs = limitMs > 0 ? limitMs : Infinity
    this.go()
  }

  get isGoing(): boolean {
    return this.#goingSince !== undefined
  }

  go(): void {
    if (this.#goingSince !== undefined || this.#leftMs === Infinity) return
    this.#goingSince = performance.now()
    this.#timer = setTimeout(this.#onOver, Math.min(this.#leftMs, LONGEST_TIMER_MS))
  }

  stop(): void {
    if (this.#goingSince === undefined) return
    clearTimeout(this.#timer)
    this.#leftMs = Math.max(0, this.#leftMs - (performance.now() - this.#goingSince))
    this.#goingSince = undefined
  }

  [Symbol.dispose](): void {
    this.stop()
    this.#leftMs = Infinity
  }
}

/** A length of time as people say it. */
export function inWords(ms: number): string {
  if (ms < 1000) return `${ms} ms`
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}
