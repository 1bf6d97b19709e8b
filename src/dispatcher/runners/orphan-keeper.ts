import type { Orphan } from '../../contract/rpc/runner-report.ts'
import type { PipelineId, RunnerId } from '../../core/ids.ts'
import { isHeldBy } from '../../core/job/job-state.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { StoreReader } from '../../store/store.ts'

/** A runner that has orphans. */
export interface OrphanHolder {
  readonly id: RunnerId
  readonly record: { readonly name: string }
  readonly client: { discard(orphan: Orphan): Promise<unknown> }
}

/**
 * Handles attempts on a runner that no dispatcher follows: one that is still current is resumed, if its pipeline is
 * ours; a stale one (its job was cancelled, or continued elsewhere) is discarded on the runner, so that its paused
 * sandbox doesn't occupy a slot.
 */
export class OrphanKeeper {
  readonly #store: Pick<StoreReader, 'jobs'>
  readonly #log: Logger
  readonly #resume: (id: PipelineId) => Promise<void>
  readonly #inProgress = new Set<string>()

  constructor(deps: {
    store: Pick<StoreReader, 'jobs'>
    log: Logger
    resume: (id: PipelineId) => Promise<void>
  }) {
    this.#store = deps.store
    this.#log = deps.log
    this.#resume = deps.resume
  }

  /** A runner reports its orphans repeatedly, so a failure is retried at the next report. */
  handle(link: OrphanHolder, orphans: readonly Orphan[]): void {
    for (const orphan of orphans) {
      const key = `${orphan.jobId}/${orphan.attempt}`
      if (this.#inProgress.has(key)) continue
      this.#inProgress.add(key)
      this.#handle(link, orphan)
        .catch((error: unknown) => {
          this.#log.debug({ ...orphan, reason: describeError(error) }, 'handling an orphan failed')
        })
        .finally(() => this.#inProgress.delete(key))
    }
  }

  async #handle(link: OrphanHolder, orphan: Orphan): Promise<void> {
    const job = await this.#store.jobs.find(orphan.jobId)
    if (job && isHeldBy(job.state, link.id, orphan)) {
      await this.#resume(job.pipelineId)
      return
    }
    await link.client.discard(orphan)
    this.#log.info({ ...orphan, runner: link.record.name }, 'stale attempt discarded')
  }
}
