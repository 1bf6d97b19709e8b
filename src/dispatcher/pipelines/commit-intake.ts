import type { PlanOrder } from '../../contract/rpc/planned-commit.ts'
import { type Doer, nameOf } from '../../core/audit/audit.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import { type EventAction, happeningOf, isOnRequest } from '../../core/event-actions.ts'
import type { DispatcherId, EventId, PipelineId } from '../../core/ids.ts'
import { firstPhases } from '../../core/pipeline/first-phases.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { newId } from '../../lib/new-id.ts'
import { present } from '../../lib/present.ts'
import type { Reads } from '../../store/store.ts'
import type { Vault } from '../../vault/vault.ts'
import type { AuthorLookup } from '../forge-authors/author-lookup.ts'
import { pipelineFacts } from '../ledger/audit-facts.ts'
import type { Recorder } from '../ledger/recorder.ts'
import type { RunnerPool } from '../runners/runner-pool.ts'
import { type AllowedInclude, includeSources } from './include-sources.ts'
import type { Beginning } from './pipeline-runs.ts'
import { type EarlyPlan, planEarly, planOrderOf } from './plan-pipeline.ts'
import { RequestedEvents } from './requested-events.ts'

export interface CommitIntakeDeps {
  readonly store: Reads<'events' | 'repositories'>
  readonly recorder: Recorder
  readonly authors: Pick<AuthorLookup, 'findBase'>
  readonly vault: Vault
  readonly pool: RunnerPool
  /** The repositories that files may be included from. */
  readonly includes: readonly AllowedInclude[]
  /** How many jobs wait here. */
  readonly waiting: { readonly length: number }
  readonly dispatcherId: () => DispatcherId
  /** Resumes a pipeline if this dispatcher owns it. */
  readonly open: (id: PipelineId, beginning: Beginning) => Promise<void>
  /** Called once a new pipeline is stored; not awaited. */
  readonly onCreated: (pipeline: Pipeline, event: CommitEvent) => void
  /** Called for a pipeline whose event has been completed since; not awaited. */
  readonly onCompleted: (id: PipelineId) => void
  readonly log: Logger
  /** Aborts when the dispatcher stops. */
  readonly signal: AbortSignal
}

/** Where a pipeline comes from, besides its event. */
interface Origin {
  readonly rerunOf?: PipelineId
  /** Who started it; absent: it was triggered by the commit. */
  readonly by?: Doer
  readonly early?: EarlyPlan | undefined
  /** Only what names this action is run. */
  readonly part?: EventAction | undefined
}

/** Above this many waiting jobs (some 2 KB each), further commits stay in the store. */
const MOST_WAITING = 100_000

/** Creates pipelines for commit events. */
export class CommitIntake {
  readonly #deps: CommitIntakeDeps
  readonly #requested: RequestedEvents

  constructor(deps: CommitIntakeDeps) {
    this.#deps = deps
    this.#requested = new RequestedEvents({
      ...deps,
      planOrder: (event) => this.#planOrder(event),
      create: async (event, plan, part) => {
        const early = { answer: Promise.resolve(plan), stop: new AbortController() }
        await this.create(event, event.receivedAt, { early, part })
      },
    })
  }

  /**
   * Handles a commit from the queue. Resolves, which acknowledges it, once its pipeline is stored, or at once
   * if it is only built on request.
   */
  async receive(eventId: EventId): Promise<void> {
    const { store, recorder, pool, waiting, signal, log } = this.#deps
    // The event is in the store: the agents' sweep requeues it, when there may be room.
    if (waiting.length >= MOST_WAITING) return
    const event = await recorder.retryWhileUnavailable(() => store.events.find(eventId))
    if (!event) {
      log.warn({ event: eventId }, 'event from the queue not found in the store')
      return
    }
    if (isOnRequest(happeningOf(event))) return this.#requested.receive(event)
    const early = planEarly(pool, () => this.#planOrder(event), signal)
    try {
      await this.create(event, event.receivedAt, { early })
    } catch (error) {
      early.stop.abort(error)
      // Its repository has been removed; the agents end the event with that reason.
      if (NarwhalError.from(error).code !== 'not_found') throw error
      log.info({ event: eventId }, 'commit dropped: its repository has been removed')
    }
  }

  async #planOrder(event: CommitEvent): Promise<PlanOrder | undefined> {
    const { store, vault, includes, authors } = this.#deps
    const repository = await store.repositories.find(event.repositoryId)
    if (!repository) return undefined
    const sources = await includeSources(this.#deps, includes, isStranger(event.trust))
    const found = await authors.findBase(event, repository)
    return planOrderOf({ event, repository }, { vault, sources }, found)
  }

  /** Resolves once the pipeline is stored, and resumed here if it is ours. */
  async create(
    from: CommitEvent,
    since: number,
    { rerunOf, by, early, part = from.details?.part }: Origin = {},
  ): Promise<PipelineId> {
    const { recorder, dispatcherId, open, log } = this.#deps
    const event = part ? { ...from, details: { ...from.details, part } } : from
    const createdAt = Date.now()
    const at = performance.now()
    const startedBy = by && nameOf(by)
    const wanted = {
      id: newId('pipeline'),
      eventId: event.id,
      dispatcherId: dispatcherId(),
      ...present({ rerunOf, startedBy }),
      phases: firstPhases(event, since, createdAt),
      createdAt,
    }
    const { pipeline, repository, created, isToReplan } = await recorder.record(async (write) => {
      if (part !== from.details?.part && part) await write.events.setPart(event.id, part)
      const answer = await write.pipelines.create(wanted)
      if (by && answer.created) {
        const { subject, facts } = pipelineFacts({ ...answer, event })
        const after = { ...facts, ...present({ rerunOf }) }
        write.audit.add(by, { action: 'pipeline.started', subject, after })
      }
      return answer
    }, event.repositoryId)
    const seen = { at, writtenAt: performance.now() }
    const { id, state } = pipeline
    if (created) {
      log.info({ pipeline: id, event: event.id }, 'pipeline created')
      this.#deps.onCreated(pipeline, event)
    } else early?.stop.abort()
    const fresh = created ? { detail: { pipeline, event, repository, jobs: [] }, seen } : undefined
    if (state.status !== 'finished') await open(id, { early, fresh })
    if (isToReplan) this.#deps.onCompleted(id)
    return id
  }
}
