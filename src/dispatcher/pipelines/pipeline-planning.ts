import type { PlanOrder } from '../../contract/rpc/planned-commit.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { PipelineDraft } from '../../core/pipeline/advance-pipeline.ts'
import { endPipeline } from '../../core/pipeline/commands.ts'
import type { PipelinePlan } from '../../core/plan/plan.ts'
import { type KnownAuthors, reasonToWait } from '../../core/stranger/approval.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import { withSignal } from '../../lib/async/with-signal.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { UntestedBase } from '../../store/records.ts'
import type { PipelineLedger } from '../ledger/pipeline-ledger.ts'
import type { RunnerPool } from '../runners/runner-pool.ts'
import {
  type EarlyPlan,
  invisibleMsOf,
  type PlannedOnRunner,
  type PlanRules,
  planOnRunner,
  withPlan,
} from './plan-pipeline.ts'
import { withReplan } from './replan.ts'

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
  /** As of the store: since when the branch has not been tested. */
  readonly findUntestedBase: () => Promise<UntestedBase | undefined>
  /** Notes that its completed event has been planned again. */
  readonly endReplan: () => Promise<void>
}

/** A plan, and the event that it was made for. */
interface MadePlan {
  readonly event: CommitEvent
  readonly planned: PlannedOnRunner
  readonly rules: PlanRules
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
    try {
      await this.#apply(AbortSignal.any([signal, cancelled]), (draft, { planned, rules }) =>
        draft.pipeline.state.status === 'pending' ? withPlan(draft, planned, rules) : draft,
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

  /** Plans anew with what is known of the event by now; jobs that have begun stay. */
  async replan(signal: AbortSignal): Promise<void> {
    await this.#apply(signal, (draft, { planned, rules }) => withReplan(draft, planned, rules))
  }

  /** Changes the pipeline by a plan for its event as it is known then, not as it was when this began. */
  async #apply(
    signal: AbortSignal,
    change: (draft: PipelineDraft, made: MadePlan) => PipelineDraft,
  ): Promise<void> {
    const { ledger } = this.#deps
    for (let isUpToDate = false; !isUpToDate; ) {
      const made = await this.#make(ledger.event, signal)
      await ledger.change((draft) => {
        isUpToDate = ledger.event === made.event
        return isUpToDate ? change(draft, made) : draft
      })
    }
  }

  async #make(event: CommitEvent, signal: AbortSignal): Promise<MadePlan> {
    const { repository } = this.#deps.ledger
    // Concurrently: the forge may have to be queried.
    const authors = isStranger(event.trust) ? this.#deps.findAuthors() : undefined
    authors?.catch(() => {})
    const planned = await this.#sinceTested(event, await this.#ask(signal), signal)
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
    const rules = {
      at: Date.now(),
      isStranger: isStranger(event.trust),
      isManual: event.kind === 'manual',
      isAsked: event.source === 'manual',
      wait,
    }
    return { event, planned, rules }
  }

  /**
   * Planned again if it supersedes pushes that were not tested: what they changed has changed for it, too.
   */
  async #sinceTested(
    event: CommitEvent,
    first: PlannedOnRunner,
    signal: AbortSignal,
  ): Promise<PlannedOnRunner> {
    const { file } = first.planned
    if (event.kind !== 'push' || !file.ok || !supersedes(file.plan)) return first
    const untested = await this.#deps.findUntestedBase()
    if (!untested) return first
    const order = await this.#deps.planOrder()
    const { base: _, ...facts } = order.facts
    const again = { ...order, facts: { ...facts, ...untested } }
    return await planOnRunner(this.#deps.pool, again, signal, this.#waiting())
  }

  async #ask(signal: AbortSignal) {
    const early = await this.#earlyPlan(signal)
    const { pool, planOrder } = this.#deps
    return early ?? (await planOnRunner(pool, await planOrder(), signal, this.#waiting()))
  }

  #waiting() {
    const onWait = (reason: string): void => void this.#setReason(reason).catch(() => {})
    return { onWait, invisibleMs: invisibleMsOf(this.#deps.ledger.event, Date.now()) }
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

/** Whether it, or one of its jobs, may end those of pushes before. */
function supersedes({ concurrency, jobs }: PipelinePlan): boolean {
  return [{ concurrency }, ...jobs].some((part) => part.concurrency?.cancelsSuperseded)
}
