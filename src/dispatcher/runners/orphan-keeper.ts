import type { Orphan } from '../../contract/rpc/runner-report.ts'
import type { PipelineId, RunnerId } from '../../core/ids.ts'
import { isHeldBy } from '../../core/job/job-state.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Reads } from '../../store/store.ts'

/** A runner that has orphans. */
export interface OrphanHolder {
  readonly id: RunnerId
  readonly record: { readonly name: string }
  readonly client: { discard(orphan: Orphan): Promise<unknown> }
}

export interface OrphanKeeperDeps {
  readonly store: Reads<'jobs'>
  readonly log: Logger
  readonly resume: (id: PipelineId) => Promise<void>
}

/**
 * Handles attempts on a runner that no dispatcher follows: one that is still current is resumed, if its
 * pipeline is ours; a stale one (its job was cancelled, or continued elsewhere) is discarded on the runner,
 * so that its paused sandbox doesn't occupy a slot.
 */
export class OrphanKeeper {
  readonly #deps: OrphanKeeperDeps
  readonly #inProgress = new Set<string>()

  constructor(deps: OrphanKeeperDeps) {
    this.#deps = deps
  }

  /** A runner reports its orphans repeatedly, so a failure is retried at the next report. */
  handle(link: OrphanHolder, orphans: readonly Orphan[]): void {
    for (const orphan of orphans) {
      const key = `${orphan.jobId}/${orphan.attempt}`
      if (this.#inProgress.has(key)) continue
      this.#inProgress.add(key)
      this.#handle(link, orphan)
        .catch((error: unknown) => {
          const reason = describeError(error)
          this.#deps.log.debug({ ...orphan, reason }, 'handling an orphan failed')
        })
        .finally(() => this.#inProgress.delete(key))
    }
  }

  async #handle(link: OrphanHolder, orphan: Orphan): Promise<void> {
    const { store, log, resume } = this.#deps
    const job = await store.jobs.find(orphan.jobId)
    if (job && isHeldBy(job.state, link.id, orphan)) return await resume(job.pipelineId)
    await link.client.discard(orphan)
    log.info({ ...orphan, runner: link.record.name }, 'stale attempt discarded')
  }
}
