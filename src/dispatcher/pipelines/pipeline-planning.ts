import type { PlanOrder } from '../../contract/rpc/planned-commit.ts'
import { endPipeline } from '../../core/pipeline/commands.ts'
import { type KnownAuthors, reasonToWait } from '../../core/stranger/approval.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import { withSignal } from '../../lib/async/with-signal.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { PipelineLedger } from '../ledger/pipeline-ledger.ts'
import type { RunnerPool } from '../runners/runner-pool.ts'
import { type EarlyPlan, planOnRunner, withPlan } from './plan-pipeline.ts'

export interface PlanningDeps {
  readonly ledger: PipelineLedger
  readonly pool: RunnerPool
  /** The request to a runner. */
  readonly planOrder: () => Promise<PlanOrder>
  /** A plan that was requested before the pipeline was created, if any. */
  readonly early: EarlyPlan | undefined
  /** Which authors of a stranger's commit have had something merged. */
  readonly findAuthors: () => Promise<KnownAuthors>
  /** Stores the title and author, as read by the runner where the event had none. */
  readonly describeEvent: (text: { title: string; author: string }) => Promise<void>
}

/** Has a runner plan a pipeline, and stores its jobs, or its end if there are none. */
export class PipelinePlanning {
  readonly #deps: PlanningDeps
  #early: EarlyPlan | undefined

  constructor(deps: PlanningDeps) {
    this.#deps = deps
    this.#early = deps.early
  }

  /** `cancelled` ends the planning, `signal` all work of this dispatcher. Rejects with `stale`. */
  async plan(signal: AbortSignal, cancelled: AbortSignal): Promise<void> {
    const { ledger } = this.#deps
    const { event, repository } = ledger
    try {
      // Concurrently: the forge may have to be queried.
      const authors = isStranger(event.trust) ? this.#deps.findAuthors() : undefined
      authors?.catch(() => {})
      const planned = await this.#ask(AbortSignal.any([signal, cancelled]))
      const { title, author } = event
      if (title === '' || author === '') {
        const read = planned.planned
        await this.#deps.describeEvent({
          title: title || read.title,
          author: author || read.author,
        })
      }
      const wait =
        authors && reasonToWait(event.trust, repository, await authors, planned.planned.changed)
      await ledger.change((draft) =>
        draft.pipeline.state.status === 'pending'
          ? withPlan(draft, planned, {
              at: Date.now(),
              isStranger: isStranger(event.trust),
              isManual: event.kind === 'manual',
              wait,
            })
          : draft,
      )
    } catch (reason) {
      if (signal.aborted) return
      if (NarwhalError.from(reason).code === 'stale') throw reason
      const end = { outcome: 'error', reason: NarwhalError.from(reason).message } as const
      await ledger.change((draft) =>
        draft.pipeline.state.status === 'pending'
          ? { ...draft, pipeline: endPipeline(draft.pipeline, end, Date.now()) }
          : draft,
      )
    }
  }

  async #ask(signal: AbortSignal) {
    const early = await this.#earlyPlan(signal)
    const { pool, planOrder } = this.#deps
    const onWait = (reason: string): void => void this.#setReason(reason).catch(() => {})
    return early ?? (await planOnRunner(pool, await planOrder(), signal, onWait))
  }

  /** Shows people why the pipeline is still pending. */
  async #setReason(reason: string): Promise<void> {
    await this.#deps.ledger.change((draft) => {
      const { pipeline } = draft
      if (pipeline.state.status !== 'pending' || pipeline.state.reason === reason) return draft
      return { ...draft, pipeline: { ...pipeline, state: { status: 'pending', reason } } }
    })
  }

  /** The early plan, once; undefined if there is none, or it has failed. */
  async #earlyPlan(signal: AbortSignal) {
    const early = this.#early
    this.#early = undefined
    try {
      return early && (await withSignal(early.answer, signal))
    } catch (error) {
      early?.stop.abort(error)
      throw error
    }
  }
}
