import { systemDoer } from '../../core/audit/audit.ts'
import type { PipelineId } from '../../core/ids.ts'
import { type Keep, keepInWords, type Removal } from '../../core/keeping.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { RemovedSome, RepositoryRules, RetentionWriter } from '../../store/ports/retention.ts'
import type { Uses } from '../../store/store.ts'
import type { Steps } from './retention-step.ts'

/** Counts of what was deleted. */
export interface Removed {
  pipelines: number
  /** Pipelines whose logs were deleted. */
  logs: number
  /** Bytes of logs, as stored. */
  bytes: number
  repositories: number
  /** What could not be deleted, until the next round. */
  failed: number
}

export interface RemoverDeps {
  readonly store: Uses<'transact'>
  readonly log: Logger
  readonly steps: Steps
  readonly repository: RepositoryRules
  /** When the round began. */
  readonly at: number
}

/** Deletes data of one repository, step by step, and counts it. */
export class Remover {
  readonly #deps: RemoverDeps
  readonly removed: Removed = { pipelines: 0, logs: 0, bytes: 0, repositories: 0, failed: 0 }

  constructor(deps: RemoverDeps) {
    this.#deps = deps
  }

  async removeLogs(id: PipelineId, keep: Keep): Promise<void> {
    const removal = { at: this.#deps.at, rule: `keep-logs ${keepInWords(keep)}` }
    await this.#all(
      id,
      (write) => write.removeLogs(id, removal),
      () => {
        this.removed.logs++
      },
    )
  }

  /** By a rule, or because its repository was removed. */
  async removePipeline(id: PipelineId, keep: Keep | 'a removed repository'): Promise<void> {
    const rule = keep === 'a removed repository' ? keep : `keep-pipelines ${keepInWords(keep)}`
    const removal: Removal = { at: this.#deps.at, rule }
    await this.#all(
      id,
      (write) => write.removePipeline(id, removal),
      () => {
        this.removed.pipelines++
      },
    )
  }

  /** Deletes the remaining rows of a removed repository. */
  async sweepRows(): Promise<void> {
    const { id } = this.#deps.repository
    await this.#all(
      id,
      (write) => write.sweepRepository(id),
      () => {
        this.removed.repositories++
      },
    )
  }

  /** Records the round in the audit log. */
  async note(): Promise<void> {
    const { pipelines, logs, bytes, repositories } = this.removed
    const { store, repository, at } = this.#deps
    const rows = pipelines + logs + repositories
    if (rows === 0) return
    const of = [
      pipelines > 0 ? `${pipelines} pipelines` : '',
      logs > 0 ? `logs of ${logs} pipelines` : '',
      repositories > 0 ? 'the repository' : '',
    ]
    const after = { of: of.filter(Boolean).join(', '), rows, bytes, before: at }
    const by = systemDoer('retention', 'the rules of retention')
    await store.transact(async (write) =>
      write.audit.add(by, { action: 'retention.removed', subject: repository, after }),
    )
  }

  /** Repeats a step until nothing is left. A failure doesn't stop the round. */
  async #all(
    id: string,
    step: (write: RetentionWriter) => Promise<RemovedSome>,
    onEnd: () => void,
  ): Promise<void> {
    const { store, steps, log } = this.#deps
    try {
      for (;;) {
        const { result } = await steps.take(() => store.transact((write) => step(write.retention)))
        this.removed.bytes += result.bytes
        if (result.hasMore) continue
        if (result.isDone) onEnd()
        return
      }
    } catch (error) {
      const { code } = NarwhalError.from(error)
      if (code === 'unavailable' || code === 'cancelled') throw error
      this.removed.failed++
      log.warn({ id, reason: describeError(error) }, 'deletion failed: retried in the next round')
    }
  }
}
