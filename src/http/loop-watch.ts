import { createHistogram, performance } from 'node:perf_hooks'

/** How often the event loop is sampled while it works, and while it hardly does; in milliseconds. */
export const BUSY_SAMPLE_MS = 20
export const IDLE_SAMPLE_MS = 1_000
/**
 * A loop whose thread has used a larger share of a processor in the last second is working. Time in which it waits for
 * a processor does not count: on a busy machine these very samples would look like work.
 */
const BUSY_SHARE = 0.05
/** A loop that has not worked for so long rests. */
const REST_MS = 30_000
/** Of two digits, up to an hour: with three digits and no end it would take 0.4 MB. */
const RANGE = { lowest: 1, highest: 3_600e9, figures: 2 }

export interface LoopWatchOptions {
  readonly onRest?: () => void
  /** How long the loop must not have worked; 30,000 ms by default. */
  readonly restMs?: number
}

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
 * Watches the event loop of this process, until disposed: how late its timers fire, whether it works, and when it has
 * come to rest. A process that does nothing is woken once a second for it: Node's own `monitorEventLoopDelay` wakes it
 * a hundred times a second, which takes more processor time than everything else that an idle process does. (Without
 * a timer, by `samplePerIteration`, it does not see the time that callbacks of sockets and files take.)
 */
export class LoopWatch implements Disposable {
  readonly #delays = createHistogram(RANGE)
  #timer: NodeJS.Timeout | undefined
  #dueAt = 0
  #isBusy = false
  /** Undefined: it rests, and that was reported. */
  #workedAt: number | undefined = performance.now()
  readonly #restMs: number
  readonly #onRest: () => void
  /** Where the second began over which the loop is judged. */
  #since: { readonly at: number; readonly used: NodeJS.CpuUsage } = here()

  /** `onRest` is called once the loop has come to rest, after the start and after each time that it has worked. */
  constructor({ onRest = () => {}, restMs = REST_MS }: LoopWatchOptions = {}) {
    this.#onRest = onRest
    this.#restMs = restMs
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
      const { user, system } = process.threadCpuUsage(this.#since.used)
      this.#isBusy = (user + system) / 1_000 > BUSY_SHARE * (now - this.#since.at)
      this.#since = here()
      this.#judgeRest(now)
    }
    this.#wait()
  }

  #judgeRest(now: number): void {
    if (this.#isBusy) {
      this.#workedAt = now
    } else if (this.#workedAt !== undefined && now - this.#workedAt >= this.#restMs) {
      this.#workedAt = undefined
      this.#onRest()
      // What the listener has done is no work.
      this.#since = here()
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}

function here() {
  return { at: performance.now(), used: process.threadCpuUsage() }
}
