import { setTimeout as sleep } from 'node:timers/promises'

/** At most how long a step waits for starting jobs. */
const LONGEST_WAIT_MS = 1_000
const POLL_MS = 20
/** The pause after a step, as a multiple of its duration. */
const PAUSE_FACTOR = 4

export interface StepDeps {
  readonly signal: AbortSignal
  /** Whether jobs are starting now: they have priority. */
  readonly isBusy?: (() => boolean) | undefined
}

/** Runs background work in steps of a few milliseconds, with a pause after each. */
export class Steps {
  readonly #deps: StepDeps
  /** The longest duration of a step, in milliseconds. */
  longestMs = 0
  count = 0

  constructor(deps: StepDeps) {
    this.#deps = deps
  }

  /** Rejects with the signal's reason. */
  async take<Result>(step: () => Promise<Result>): Promise<Result> {
    const { signal, isBusy } = this.#deps
    for (let waited = 0; isBusy?.() && waited < LONGEST_WAIT_MS; waited += POLL_MS) {
      await sleep(POLL_MS, undefined, { signal })
    }
    signal.throwIfAborted()
    const startedAt = performance.now()
    const result = await step()
    const tookMs = performance.now() - startedAt
    this.longestMs = Math.max(this.longestMs, tookMs)
    this.count++
    await sleep(Math.min(100, Math.max(1, PAUSE_FACTOR * tookMs)), undefined, { signal })
    return result
  }
}
