import type { Orphan } from '../../contract/rpc/runner-report.ts'
import type { PipelineId, RunnerId } from '../../core/ids.ts'
import { isHeldBy } from '../../core/job/job-state.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { StoreReader } from '../../store/store.ts'

/** A runner that has attempts, as far as they have to be decided about. */
export interface OrphanHolder {
  readonly id: RunnerId
  readonly record: { readonly name: string }
  readonly client: { discard(orphan: Orphan): Promise<unknown> }
}

/**
 * Decides about attempts that a runner has and nobody asks about: one that still counts goes on,
 * if its pipeline is ours; one that is over (its job was cancelled, or went on elsewhere) is
 * discarded there, so that a sandbox that stands still does not take a slot.
 */
export class OrphanKeeper {
  readonly #store: StoreReader
  readonly #log: Logger
  readonly #resume: (id: PipelineId) => Promise<void>
  readonly #deciding = new Set<string>()

  constructor(deps: {
    store: StoreReader
    log: Logger
    resume: (id: PipelineId) => Promise<void>
  }) {
    this.#store = deps.store
    this.#log = deps.log
    this.#resume = deps.resume
  }

  /** A runner tells of its orphans again and again, so what can't be decided now is left for later. */
  note(link: OrphanHolder, orphans: readonly Orphan[]): void {
    for (const orphan of orphans) {
      const key = `${orphan.jobId}/${orphan.attempt}`
      if (this.#deciding.has(key)) continue
      this.#deciding.add(key)
      this.#decide(link, orphan)
        .catch((error: unknown) => {
          this.#log.debug({ ...orphan, reason: describeError(error) }, 'an orphan has to wait')
        })
        .finally(() => this.#deciding.delete(key))
    }
  }

  async #decide(link: OrphanHolder, orphan: Orphan): Promise<void> {
    const job = await this.#store.jobs.find(orphan.jobId)
    if (job && isHeldBy(job.state, link.id, orphan)) {
      await this.#resume(job.pipelineId)
      return
    }
    await link.client.discard(orphan)
    this.#log.info({ ...orphan, runner: link.record.name }, 'an attempt that was over is discarded')
  }
}
