import { allOrNone } from '../../../../lib/async/all-or-none.ts'
import type { ServiceContainer } from './service-container.ts'

/** The services of one job, on its network; `start` once, and `remove`. */
export class JobServices {
  readonly #containers: readonly ServiceContainer[]

  constructor(containers: readonly ServiceContainer[]) {
    this.#containers = containers
  }

  get ids(): readonly string[] {
    return this.#containers.map(({ id }) => id)
  }

  /** Resolves when all are ready; rejects with the reason of the first that is not. */
  async start(signal: AbortSignal): Promise<void> {
    const starts = this.#containers.map((one) => (either: AbortSignal) => one.start(either))
    await allOrNone(starts, signal)
  }

  async remove(): Promise<void> {
    await Promise.all(this.#containers.map((one) => one.remove()))
  }
}
