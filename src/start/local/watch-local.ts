import { followLog } from '../../api/logs/follow-log.ts'
import type { Broker } from '../../broker/broker.ts'
import type { Following } from '../../cli/follow/follow-pipeline.ts'
import {
  currentAttempt,
  type ModelEvent,
  type PipelineModel,
  reducePipeline,
  startModel,
} from '../../cli/follow/pipeline-model.ts'
import type { PublishedEvent } from '../../contract/live/live-event.ts'
import type { AttemptRef, EventId } from '../../core/ids.ts'
import { EventHub } from '../../lib/async/event-hub.ts'
import type { StoreReader } from '../../store/store.ts'

export interface LocalWatch {
  readonly broker: Broker
  readonly store: StoreReader
  /** Whose pipeline is watched; there is no other one. */
  readonly eventId: EventId
  readonly following: Following
  readonly signal: AbortSignal
}

/**
 * Watches the one pipeline of this process by what its dispatcher tells, from its beginning until it
 * has ended and its logs are whole. `begin` is called once everything is heard.
 */
export async function watchLocal(
  watch: LocalWatch,
  begin: () => Promise<unknown>,
): Promise<PipelineModel> {
  const { broker, signal } = watch
  const told = Promise.withResolvers<PipelineModel>()
  const live = new EventHub<PublishedEvent>((error) => told.reject(error as Error))
  const onAbort = (): void => told.reject(signal.reason as Error)
  const model = new WatchedModel(watch, live, told)
  await using _listening = await broker.subscribeEvents('#', (_topic, { event }) => {
    model.hear(event)
    live.emit(event)
  })
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    await begin()
    return await told.promise
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** The pipeline as it is known; each attempt's log is followed from the moment it is heard of. */
class WatchedModel {
  readonly #watch: LocalWatch
  readonly #live: EventHub<PublishedEvent>
  readonly #told: PromiseWithResolvers<PipelineModel>
  readonly #logs = new Set<string>()
  #model: PipelineModel | undefined
  #reading = 0

  constructor(
    watch: LocalWatch,
    live: EventHub<PublishedEvent>,
    told: PromiseWithResolvers<PipelineModel>,
  ) {
    this.#watch = watch
    this.#live = live
    this.#told = told
  }

  hear(event: PublishedEvent): void {
    if (event.type === 'log.appended' || event.type === 'log.grew') return
    if (this.#model) return this.#apply(event)
    if (event.type !== 'pipeline.changed') return
    if (event.pipeline.event.id !== this.#watch.eventId) return
    this.#apply({ type: 'snapshot', pipeline: event.pipeline, jobs: [], seq: event.seq })
  }

  #apply(event: ModelEvent): void {
    const before = this.#model
    if (before) this.#model = reducePipeline(before, event)
    else if (event.type === 'snapshot') this.#model = startModel(event)
    const model = this.#model
    if (!model || model === before) return
    const lines = event.type === 'log.appended' ? event : undefined
    this.#watch.following.onChange?.(model, lines)
    for (const job of model.jobs.values()) {
      const attempt = currentAttempt(job)
      const key = `${job.id}/${attempt?.number}`
      if (!attempt || this.#logs.has(key)) continue
      this.#logs.add(key)
      this.#reading++
      void this.#follow({ jobId: job.id, attempt: attempt.number })
    }
    this.#endIfDone()
  }

  async #follow(log: AttemptRef): Promise<void> {
    const { store, signal } = this.#watch
    try {
      for await (const { lines } of followLog({ store, live: this.#live, log, from: 0, signal })) {
        if (lines.length > 0) this.#apply({ type: 'log.appended', ...log, lines })
      }
      if (this.#model) this.#watch.following.onLogEnd?.(this.#model, log.jobId)
    } catch (error) {
      this.#told.reject(error as Error)
    }
    this.#reading--
    this.#endIfDone()
  }

  #endIfDone(): void {
    const model = this.#model
    if (model?.pipeline.status === 'finished' && this.#reading === 0) this.#told.resolve(model)
  }
}
