import { withSignal } from '../../lib/async/with-signal.ts'
import type { RunnerLink } from './runner-link.ts'

/** What is asked of the runners there are. */
export interface Planners {
  findPlanner(): RunnerLink | undefined
  /** Why there is none; undefined: there is one. */
  readonly planShortage: string | undefined
  /** Is called when there may be one. */
  onWake(listener: () => void): Disposable
}

/** So long a commit waits for a runner to plan it until that is said, and until it is said anew. */
const LATE_MS = 2_000

/** The commits that wait for a runner to plan them. */
export class PlannerWaits {
  readonly #planners: Planners
  #waiting = 0

  constructor(planners: Planners) {
    this.#planners = planners
  }

  /** How many there are. */
  get size(): number {
    return this.#waiting
  }

  /**
   * Resolves with a runner for a plan, once there is one; rejects with the signal's reason. `onWait` is
   * called with what is waited for, where that takes its time, and again when it is something else.
   */
  async wait(signal: AbortSignal, onWait: (reason: string) => void): Promise<RunnerLink> {
    const now = this.#planners.findPlanner()
    if (now) return now
    using listening = new DisposableStack()
    const { promise, resolve } = Promise.withResolvers<RunnerLink>()
    const look = (): void => {
      const link = this.#planners.findPlanner()
      if (link) resolve(link)
    }
    listening.use(this.#planners.onWake(look))
    let said = ''
    const tell = (): void => {
      const reason = this.#planners.planShortage ?? said
      if (reason !== said) onWait(reason)
      said = reason
    }
    const timer = setInterval(tell, LATE_MS)
    listening.defer(() => clearInterval(timer))
    this.#waiting++
    try {
      return await withSignal(promise, signal)
    } finally {
      this.#waiting--
    }
  }
}
