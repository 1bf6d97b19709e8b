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
import { withSignal } from '../../lib/async/with-signal.ts'
import type { Reads } from '../../store/store.ts'

export interface LocalWatch {
  readonly broker: Broker
  readonly store: Reads<'jobs' | 'logs'>
  /** The event whose pipeline is watched; the only one. */
  readonly eventId: EventId
  readonly following: Following
  readonly signal: AbortSignal
  /** When it aborts, no job runs any more: the watch ends as soon as their logs are complete. */
  readonly over: AbortSignal
}

/**
 * Watches the only pipeline of this process by its dispatcher's events, from its start until it has ended
 * and its logs are complete. `begin` is called once the subscription is active.
 */
export async function watchLocal(
  watch: LocalWatch,
  begin: () => Promise<unknown>,
): Promise<PipelineModel> {
  const { broker, signal, over } = watch
  const ended = Promise.withResolvers<PipelineModel>()
  ended.promise.catch(() => {})
  const live = new EventHub<PublishedEvent>((error) => ended.reject(error as Error))
  const model = new WatchedModel(watch, live, ended)
  await using _listening = await broker.subscribeEvents('#', (_topic, { event }) => {
    model.onEvent(event)
    live.emit(event)
  })
  signal.throwIfAborted()
  await begin()
  over.addEventListener('abort', () => model.endOnceRead(over.reason), { once: true })
  return await withSignal(ended.promise, signal)
}

/** The pipeline as far as known; each attempt's log is followed as soon as the attempt is known. */
class WatchedModel {
  readonly #watch: LocalWatch
  readonly #live: EventHub<PublishedEvent>
  readonly #ended: PromiseWithResolvers<PipelineModel>
  readonly #logs = new Set<string>()
  #model: PipelineModel | undefined
  #reading = 0
  /** Why nothing runs any more, once that is so. */
  #over: { readonly reason: unknown } | undefined

  constructor(
    watch: LocalWatch,
    live: EventHub<PublishedEvent>,
    ended: PromiseWithResolvers<PipelineModel>,
  ) {
    this.#watch = watch
    this.#live = live
    this.#ended = ended
  }

  onEvent(event: PublishedEvent): void {
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

  /** Ends the watch with this reason when the logs of all attempts are complete. */
  endOnceRead(reason: unknown): void {
    this.#over = { reason }
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
      this.#ended.reject(error as Error)
    }
    this.#reading--
    this.#endIfDone()
  }

  #endIfDone(): void {
    const model = this.#model
    if (this.#over && this.#reading === 0) this.#ended.reject(this.#over.reason as Error)
    if (model?.pipeline.status === 'finished' && this.#reading === 0) this.#ended.resolve(model)
  }
}
