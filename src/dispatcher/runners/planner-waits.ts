import { withSignal } from '../../lib/async/with-signal.ts'
import type { RunnerLink } from './runner-link.ts'

/** What is needed of the runner pool. */
export interface Planners {
  findPlanner(): RunnerLink | undefined
  /** Why there is none; undefined: there is one. */
  readonly planShortage: string | undefined
  /** The listener is called when there may be one. */
  onWake(listener: () => void): Disposable
}

/** How often a waiting commit's reason is checked. */
const REASON_MS = 2_000

/** The commits that wait for a runner to plan them. */
export class PlannerWaits {
  readonly #planners: Planners
  #waiting = 0

  constructor(planners: Planners) {
    this.#planners = planners
  }

  get size(): number {
    return this.#waiting
  }

  /**
   * Resolves with a runner for a plan, once there is one; rejects with the signal's reason. `onWait` is
   * called with the reason if the wait takes longer, and again when that changes.
   */
  async wait(signal: AbortSignal, onWait: (reason: string) => void): Promise<RunnerLink> {
    const now = this.#planners.findPlanner()
    if (now) return now
    using listening = new DisposableStack()
    const { promise, resolve } = Promise.withResolvers<RunnerLink>()
    const check = (): void => {
      const link = this.#planners.findPlanner()
      if (link) resolve(link)
    }
    listening.use(this.#planners.onWake(check))
    let reported = ''
    const report = (): void => {
      const reason = this.#planners.planShortage ?? reported
      if (reason !== reported) onWait(reason)
      reported = reason
    }
    const timer = setInterval(report, REASON_MS)
    listening.defer(() => clearInterval(timer))
    this.#waiting++
    try {
      return await withSignal(promise, signal)
    } finally {
      this.#waiting--
    }
  }
}
