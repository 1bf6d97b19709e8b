import { backoff } from '../lib/backoff.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Store, StoreWriter } from '../store/store.ts'
import type { Announcer } from './announcer.ts'

/**
 * Writes first, then tells. While the store is away (or its disk is full) it keeps what it was
 * given and tries again until it is back or the dispatcher stops: the work that runners have done
 * meanwhile must not be lost. So a write may be done twice, and `conflict` may mean "done already".
 */
export class Recorder {
  readonly #store: Store
  readonly #announcer: Announcer
  readonly #log: Logger
  readonly #signal: AbortSignal
  #staleWrites = 0

  constructor(deps: { store: Store; announcer: Announcer; log: Logger; signal: AbortSignal }) {
    this.#store = deps.store
    this.#announcer = deps.announcer
    this.#log = deps.log
    this.#signal = deps.signal
  }

  /** How many writes were refused because another dispatcher has the pipeline by now. */
  get staleWrites(): number {
    return this.#staleWrites
  }

  /**
   * Writes, then tells. Rejects with `conflict`, `stale`, our own bugs, or the reason why the
   * dispatcher stops.
   */
  async record<Result>(work: (write: StoreWriter) => Promise<Result>): Promise<Result> {
    try {
      const { result, changes } = await this.patiently(() => this.#store.transact(work))
      this.#announcer.tellAll(changes)
      return result
    } catch (error) {
      if (NarwhalError.from(error).code === 'stale') this.#staleWrites++
      throw error
    }
  }

  /** Does something with the store, again and again while it is away. */
  async patiently<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let failures = 0; ; failures++) {
      try {
        const result = await work()
        if (failures > 0) this.#log.info('the store answers again')
        return result
      } catch (reason) {
        const error = NarwhalError.from(reason)
        if (error.code !== 'unavailable' && error.code !== 'exhausted') throw error
        this.#signal.throwIfAborted()
        if (failures === 0) {
          this.#log.error({ reason: error.message }, 'the store does not answer; will try again')
        }
        await backoff(failures, { firstMs: 50, maxMs: 2_000 }, this.#signal)
      }
    }
  }
}
