import { setTimeout as sleep } from 'node:timers/promises'

/** While jobs start, a step waits for them, but not longer than this in all. */
const LONGEST_WAIT_MS = 1_000
const LOOK_MS = 20
/** After a step others have so many times as long as it took. */
const REST = 4

export interface StepDeps {
  readonly signal: AbortSignal
  /** Whether jobs are starting now: they go first. */
  readonly isBusy?: (() => boolean) | undefined
}

/** Takes steps of a work that is in nobody's way: each a few milliseconds, with a rest behind it. */
export class Steps {
  readonly #deps: StepDeps
  /** The longest that one has taken, in milliseconds. */
  longestMs = 0
  count = 0

  constructor(deps: StepDeps) {
    this.#deps = deps
  }

  /** Rejects with the signal's reason. */
  async take<Result>(step: () => Promise<Result>): Promise<Result> {
    const { signal, isBusy } = this.#deps
    for (let waited = 0; isBusy?.() && waited < LONGEST_WAIT_MS; waited += LOOK_MS) {
      await sleep(LOOK_MS, undefined, { signal })
    }
    signal.throwIfAborted()
    const startedAt = performance.now()
    const result = await step()
    const tookMs = performance.now() - startedAt
    this.longestMs = Math.max(this.longestMs, tookMs)
    this.count++
    await sleep(Math.min(100, Math.max(1, REST * tookMs)), undefined, { signal })
    return result
  }
}
