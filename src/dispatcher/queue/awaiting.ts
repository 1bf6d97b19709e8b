import { type Doer, systemDoer } from '../../core/audit/audit.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { PipelineId } from '../../core/ids.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Reads, StoreReader } from '../../store/store.ts'

/** How long pipelines wait for approval by default. */
export const APPROVAL_MS = 30 * 86_400_000
const DAY_MS = 86_400_000
/** How often pipelines that have waited too long are ended. */
const SWEEP_MS = 3_600_000
/** How often closed pull requests are polled from the store, where agents record them. */
const CLOSED_MS = 5_000
const MOST_AT_ONCE = 500

export interface AwaitingDeps {
  readonly store: Reads<'pipelines'>
  /** Ends the wait of a pipeline, whichever dispatcher owns it. */
  readonly end: (id: PipelineId, reason: string, by: Doer) => Promise<void>
  readonly log: Logger
  readonly approvalMs?: number | undefined
}

/**
 * Ends pipelines that wait for an approval that won't come: those superseded by a newer one of the same ref,
 * those of closed pull requests, and those that have waited too long.
 */
export class Awaiting implements Disposable {
  readonly #deps: AwaitingDeps
  readonly #timers: readonly NodeJS.Timeout[]
  #isPolling = false

  constructor(deps: AwaitingDeps) {
    this.#deps = deps
    this.#timers = [
      setInterval(() => void this.sweep(Date.now()), SWEEP_MS).unref(),
      setInterval(() => void this.endClosed(), CLOSED_MS).unref(),
    ]
  }

  /** A pipeline was created: older ones of its ref needn't be approved any more. Never rejects. */
  async supersede(
    { id, number, repositoryId }: Pick<Pipeline, 'id' | 'number' | 'repositoryId'>,
    { ref, trust, details }: Pick<CommitEvent, 'ref' | 'trust' | 'details'>,
  ): Promise<void> {
    if (!isStranger(trust) || details?.isLate) return
    await this.#end(
      { repositoryId, ref, belowNumber: number, limit: MOST_AT_ONCE },
      `superseded by pipeline #${number}`,
      systemDoer('dispatcher', `pipeline ${id} is newer`),
    )
  }

  /** Ends waiting pipelines of closed pull requests, merged or not. Never rejects. */
  async endClosed(): Promise<void> {
    // Don't overlap if the database is slow.
    if (this.#isPolling) return
    this.#isPolling = true
    const reason = 'its pull request was closed'
    await this.#end(
      { isClosed: true, limit: MOST_AT_ONCE },
      reason,
      systemDoer('dispatcher', reason),
    )
    this.#isPolling = false
  }

  /** Ends pipelines that have waited too long; `now` in epoch milliseconds. Never rejects. */
  async sweep(now: number): Promise<void> {
    const { approvalMs = APPROVAL_MS } = this.#deps
    const days = Math.round(approvalMs / DAY_MS)
    await this.#end(
      { before: now - approvalMs, limit: MOST_AT_ONCE },
      `nobody approved it within ${days} ${days === 1 ? 'day' : 'days'}`,
      systemDoer('dispatcher', '--approval-days'),
    )
  }

  async #end(
    query: Parameters<StoreReader['pipelines']['listAwaiting']>[0],
    reason: string,
    by: Doer,
  ): Promise<void> {
    const { store, end, log } = this.#deps
    try {
      for (const { id } of await store.pipelines.listAwaiting(query)) {
        await end(id, reason, by).catch((error: unknown) => {
          // It has already ended, or is being approved.
          if (NarwhalError.from(error).code !== 'conflict') throw error
        })
      }
    } catch (err) {
      log.warn({ err }, 'ending pipelines that wait for approval failed')
    }
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer)
  }
}
