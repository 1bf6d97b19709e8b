import type { AttemptRef } from '../../core/ids.ts'
import type { Attempt } from './attempt.ts'
import type { DecidedEnd, StopWay } from './known-attempt.ts'

/** The attempts with a sandbox here: *running*, then *tearing down* in the background. */
export class RunningAttempts {
  readonly #onFinished: (attempt: Attempt) => void
  readonly #onChange: () => void
  readonly #running = new Set<Attempt>()
  readonly #tearingDown = new Set<Attempt>()

  constructor(on: { finished: (attempt: Attempt) => void; change: () => void }) {
    this.#onFinished = on.finished
    this.#onChange = on.change
  }

  get running(): number {
    return this.#running.size
  }

  get tearingDown(): number {
    return this.#tearingDown.size
  }

  /** Adds an attempt that has just started. */
  add(attempt: Attempt): void {
    void this.#follow(attempt)
  }

  /** Stops the older attempts of a job; the dispatcher has given them up. Resolves once torn down. */
  supersede({ jobId, attempt: number }: AttemptRef): Promise<unknown> {
    const reason = `attempt ${number} of the job has replaced it`
    const former = this.#list().filter(({ ref }) => ref.jobId === jobId)
    for (const attempt of former) attempt.stop({ outcome: 'cancelled', reason })
    return Promise.all(former.map(({ tornDown }) => tornDown))
  }

  /** Whether one of them has started a step. */
  get hasBegun(): boolean {
    return [...this.#running].some((attempt) => attempt.hasBegun)
  }

  /** Whether one of them has cleanup steps left. */
  get mayCleanUp(): boolean {
    return [...this.#running].some((attempt) => attempt.mayCleanUp)
  }

  /** Stops running attempts; `idle`: only those that have not started a step. */
  stop(end: DecidedEnd, which: 'all' | 'idle' = 'all', how: StopWay = 'now'): void {
    for (const attempt of this.#running) {
      if (which === 'all' || !attempt.hasBegun) attempt.stop(end, how)
    }
  }

  /** Resolves once all current attempts are torn down. */
  async untilTornDown(): Promise<void> {
    await Promise.all(this.#list().map(({ tornDown }) => tornDown))
  }

  #list(): Attempt[] {
    return [...this.#running, ...this.#tearingDown]
  }

  async #follow(attempt: Attempt): Promise<void> {
    this.#running.add(attempt)
    await attempt.finished
    this.#running.delete(attempt)
    this.#tearingDown.add(attempt)
    this.#onFinished(attempt)
    this.#onChange()
    await attempt.tornDown
    this.#tearingDown.delete(attempt)
    this.#onChange()
  }
}
