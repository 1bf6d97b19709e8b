import { type Doer, systemDoer } from '../../core/audit/audit.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { PipelineId } from '../../core/ids.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { StoreReader } from '../../store/store.ts'

/** What waits for approval ends after so long, unless told. */
export const APPROVAL_MS = 30 * 86_400_000
const DAY_MS = 86_400_000
/** How often is looked for what has waited for too long. */
const SWEEP_MS = 3_600_000
/** How often is looked for pull requests that were closed: an agent has noted that in the store. */
const CLOSED_MS = 5_000
const MOST_AT_ONCE = 500

export interface AwaitingDeps {
  readonly store: Pick<StoreReader, 'pipelines'>
  /** Ends what waits, whoever sees the pipeline through. */
  readonly leave: (id: PipelineId, reason: string, by: Doer) => Promise<void>
  readonly log: Logger
  readonly approvalMs?: number | undefined
}

/**
 * Takes off the list of what waits for approval what nobody will approve: pipelines of which there is
 * a newer one of the same ref, those of pull requests that were closed, and those that have waited for
 * too long.
 */
export class Awaiting implements Disposable {
  readonly #deps: AwaitingDeps
  readonly #timers: readonly NodeJS.Timeout[]
  #isLooking = false

  constructor(deps: AwaitingDeps) {
    this.#deps = deps
    this.#timers = [
      setInterval(() => void this.sweep(Date.now()), SWEEP_MS).unref(),
      setInterval(() => void this.leaveClosed(), CLOSED_MS).unref(),
    ]
  }

  /** A pipeline was made: older ones of its ref need not be approved any more. Never rejects. */
  async supersede(
    { id, number, repositoryId }: Pick<Pipeline, 'id' | 'number' | 'repositoryId'>,
    { ref, trust }: Pick<CommitEvent, 'ref' | 'trust'>,
  ): Promise<void> {
    if (!isStranger(trust)) return
    await this.#end(
      { repositoryId, ref, belowNumber: number, limit: MOST_AT_ONCE },
      `superseded by pipeline #${number}`,
      systemDoer('dispatcher', `pipeline ${id} is newer`),
    )
  }

  /** Ends what waits of pull requests that were closed, merged or not. Never rejects. */
  async leaveClosed(): Promise<void> {
    // A database that is slow is not asked twice at a time.
    if (this.#isLooking) return
    this.#isLooking = true
    const reason = 'its pull request was closed'
    await this.#end(
      { isClosed: true, limit: MOST_AT_ONCE },
      reason,
      systemDoer('dispatcher', reason),
    )
    this.#isLooking = false
  }

  /** Ends what has waited for too long by then, in epoch milliseconds. Never rejects. */
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
    const { store, leave, log } = this.#deps
    try {
      for (const { id } of await store.pipelines.listAwaiting(query)) {
        await leave(id, reason, by).catch((error: unknown) => {
          // It has ended by itself, or somebody approves it just now.
          if (NarwhalError.from(error).code !== 'conflict') throw error
        })
      }
    } catch (err) {
      log.warn({ err }, 'what waits for approval in vain could not be ended yet')
    }
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer)
  }
}
