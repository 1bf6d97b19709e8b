import type { PipelineId, RepositoryId } from '../../core/ids.ts'
import { compareText } from '../../core/placement/load.ts'
import { backoff } from '../../lib/async/backoff.ts'
import { Grouping } from '../../lib/async/grouping.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { StoreWriter, Uses } from '../../store/store.ts'
import type { EventPublisher } from './event-publisher.ts'

export interface RecorderDeps {
  readonly store: Uses<'transact'>
  readonly publisher: Pick<EventPublisher, 'publishAll'>
  readonly log: Logger
  /** Aborts when the dispatcher stops. */
  readonly signal: AbortSignal
}

/** A write, and the first row that it locks. */
interface Work {
  readonly lock: RepositoryId | PipelineId
  readonly run: (write: StoreWriter) => Promise<unknown>
}

/**
 * Writes first, then publishes. Concurrent writes about different pipelines share one transaction. While the
 * store is unavailable (or its disk full) writes are retried until it is back or the dispatcher stops: the
 * work of runners must not be lost. So a write may be done twice, and `conflict` may mean "done already".
 */
export class Recorder {
  readonly #deps: RecorderDeps
  readonly #together = new Grouping<Work, unknown>((works) => this.#recordAll(works))
  #staleWrites = 0

  constructor(deps: RecorderDeps) {
    this.#deps = deps
  }

  /** How many writes were rejected because another dispatcher owns the pipeline by now. */
  get staleWrites(): number {
    return this.#staleWrites
  }

  /**
   * Writes, then publishes. Rejects with `conflict`, `stale`, our own bugs, or the reason why the dispatcher
   * stops. With `lock`, the row that is locked before any other, it may share its transaction with others,
   * and is rerun from its start when one of them fails.
   */
  async record<Result>(
    work: (write: StoreWriter) => Promise<Result>,
    lock?: RepositoryId | PipelineId,
  ): Promise<Result> {
    try {
      if (lock) return (await this.#together.add({ lock, run: work })) as Result
      return await this.#transact(work)
    } catch (error) {
      if (NarwhalError.from(error).code === 'stale') this.#staleWrites++
      throw error
    }
  }

  /** In the order of their locks, to avoid deadlocks between dispatchers. */
  async #recordAll(works: readonly Work[]): Promise<unknown[]> {
    const order = [...works.keys()].sort((a, b) =>
      compareText(works[a]?.lock ?? '', works[b]?.lock ?? ''),
    )
    return await this.#transact(async (write) => {
      const results: unknown[] = []
      const pipelines = works.map(({ lock }) => lock).filter(isPipelineId)
      if (pipelines.length > 1) await write.pipelines.lock(pipelines)
      for (const index of order) results[index] = await works[index]?.run(write)
      return results
    })
  }

  async #transact<Result>(work: (write: StoreWriter) => Promise<Result>): Promise<Result> {
    const { store, publisher } = this.#deps
    const { result, changes } = await this.retryWhileUnavailable(() => store.transact(work))
    publisher.publishAll(changes)
    return result
  }

  /** With back-off; also while the store's disk is full. */
  async retryWhileUnavailable<Result>(work: () => Promise<Result>): Promise<Result> {
    const { log, signal } = this.#deps
    for (let failures = 0; ; failures++) {
      try {
        const result = await work()
        if (failures > 0) log.info('the store is available again')
        return result
      } catch (reason) {
        const error = NarwhalError.from(reason)
        if (error.code !== 'unavailable' && error.code !== 'exhausted') throw error
        signal.throwIfAborted()
        if (failures === 0) {
          log.error({ reason: error.message }, 'the store is unavailable: retrying')
        }
        await backoff(failures, { firstMs: 50, maxMs: 2_000 }, signal)
      }
    }
  }
}

const isPipelineId = (id: RepositoryId | PipelineId): id is PipelineId => id.startsWith('pipeline_')
