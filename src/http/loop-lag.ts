import { createHistogram, type EventLoopUtilization, performance } from 'node:perf_hooks'

/** How often the event loop is sampled while it works, and while it hardly does; in milliseconds. */
export const BUSY_SAMPLE_MS = 20
export const IDLE_SAMPLE_MS = 1_000
/** A loop that was active for a larger share of the last second is working. */
const BUSY_SHARE = 0.05

/** How late the event loop was since it was last asked, in seconds; 0 without a sample. */
export interface LagFigures {
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly stddev: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

/**
 * Measures how late the timers of this process fire, until disposed. A process that does nothing is woken once a
 * second for it: Node's own `monitorEventLoopDelay` wakes it a hundred times a second, which takes more
 * processor time than everything else that an idle process does. (Without a timer, by `samplePerIteration`, it does
 * not see the time that callbacks of sockets and files take.)
 */
export class LoopLag implements Disposable {
  readonly #delays = createHistogram()
  #timer: NodeJS.Timeout | undefined
  #dueAt = 0
  #isBusy = false
  /** Where the second began over which the loop's activity is judged. */
  #since: { readonly at: number; readonly active: EventLoopUtilization } = here()

  constructor() {
    this.#wait()
  }

  /** The time to the next sample, in milliseconds. */
  get pauseMs(): number {
    return this.#isBusy ? BUSY_SAMPLE_MS : IDLE_SAMPLE_MS
  }

  /** What was measured since the last call. */
  take(): LagFigures {
    const delays = this.#delays
    const isEmpty = delays.count === 0
    const seconds = (ns: number): number => (isEmpty ? 0 : ns / 1e9)
    const figures = {
      min: seconds(delays.min),
      max: seconds(delays.max),
      mean: seconds(delays.mean),
      stddev: seconds(delays.stddev),
      p50: seconds(delays.percentile(50)),
      p90: seconds(delays.percentile(90)),
      p99: seconds(delays.percentile(99)),
    }
    delays.reset()
    return figures
  }

  #wait(): void {
    this.#dueAt = performance.now() + this.pauseMs
    this.#timer = setTimeout(() => this.#sample(), this.pauseMs).unref()
  }

  #sample(): void {
    const now = performance.now()
    // A histogram begins at 1.
    this.#delays.record(Math.max(1, Math.round((now - this.#dueAt) * 1e6)))
    if (now - this.#since.at >= IDLE_SAMPLE_MS) {
      this.#isBusy = performance.eventLoopUtilization(this.#since.active).utilization > BUSY_SHARE
      this.#since = here()
    }
    this.#wait()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}

function here() {
  return { at: performance.now(), active: performance.eventLoopUtilization() }
}
