import type { ApiClient } from '../../client/client.ts'
import { LiveClient, type LiveClientOptions } from '../../client/live-client.ts'
import type { LogAppended } from '../../contract/live/live-event.ts'
import type { JobView } from '../../contract/rest/views.ts'
import type { JobId, PipelineId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import {
  currentAttempt,
  type ModelEvent,
  type PipelineModel,
  reducePipeline,
  startModel,
} from './pipeline-model.ts'

export interface WatchOptions {
  /** Which log lines to receive; `tail`: the last ones of each attempt. */
  readonly logs: 'none' | 'tail' | 'all'
  /** Called with the initial state, then after each change; `lines`: what was logged. */
  readonly onChange?: (model: PipelineModel, lines?: LogAppended) => void
  /** Called when an attempt's log is complete. */
  readonly onLogEnd?: (model: PipelineModel, jobId: JobId) => void
  /** Ends the watch early. */
  readonly until?: (model: PipelineModel) => boolean
  readonly signal: AbortSignal
  readonly patienceMs?: number
}

/** With `logs: 'tail'`, how far back a log is read initially. */
const TAIL_START_LINES = 200
/** A connection may have a hundred subscriptions; further logs wait until one ends. */
const MAX_LOGS = 90
/** How long to wait for the logs of a finished pipeline. */
const LOGS_GRACE_MS = 5000

/**
 * Watches one pipeline over the websocket until it has finished and its logs are complete; resolves to
 * its last state. A lost connection is re-established and resumed.
 */
export async function watchPipeline(
  client: ApiClient,
  id: PipelineId,
  options: WatchOptions,
): Promise<PipelineModel> {
  const { signal, patienceMs } = options
  const live: LiveClientOptions = { signal, ...present({ patienceMs }) }
  await using connection = new LiveClient(client.address, live)
  const watch = new PipelineWatch(client, connection, options)
  return await Promise.race([watch.run(id), connection.failed, aborted(signal)])
}

/** Waits for a state change, a log line or the end of a log, and re-evaluates after each. */
class PipelineWatch {
  readonly #client: ApiClient
  readonly #live: LiveClient
  readonly #options: WatchOptions
  /** By job: the attempt whose log is read, and whether it is complete. */
  readonly #logs = new Map<
    JobId,
    { attempt: number; isComplete: boolean; subscription: Disposable }
  >()
  readonly #result = Promise.withResolvers<PipelineModel>()
  #model: PipelineModel | undefined
  #grace: NodeJS.Timeout | undefined
  #confirmed = false

  constructor(client: ApiClient, live: LiveClient, options: WatchOptions) {
    this.#client = client
    this.#live = live
    this.#options = options
  }

  async run(id: PipelineId): Promise<PipelineModel> {
    try {
      const snapshot = await this.#client.getPipeline(id)
      this.#model = startModel(snapshot)
      using _subscription = this.#live.subscribe(
        { kind: 'pipeline', pipelineId: id },
        snapshot.seq,
        {
          onEvent: (event) => this.#apply(event),
          onReset: () => this.#refresh(id),
        },
      )
      this.#changed()
      return await this.#result.promise
    } finally {
      clearTimeout(this.#grace)
    }
  }

  #refresh(id: PipelineId): void {
    this.#client.getPipeline(id).then(
      (snapshot) => this.#apply({ type: 'snapshot', ...snapshot }),
      (error: unknown) => this.#result.reject(NarwhalError.from(error)),
    )
  }

  #apply(event: ModelEvent): void {
    if (!this.#model) return
    const before = this.#model
    this.#model = reducePipeline(before, event)
    // A snapshot counts even if it changes nothing: `#endIfDone` waits for it.
    if (this.#model === before && event.type !== 'snapshot') return
    this.#changed(event.type === 'log.appended' ? event : undefined)
  }

  #changed(lines?: LogAppended): void {
    const model = this.#model
    if (!model) return
    this.#options.onChange?.(model, lines)
    if (this.#options.until?.(model)) return this.#result.resolve(model)
    for (const job of model.jobs.values()) this.#readLog(job)
    this.#endIfDone(model)
  }

  #readLog(job: JobView): void {
    const attempt = currentAttempt(job)
    if (this.#options.logs === 'none' || !attempt) return
    const known = this.#logs.get(job.id)
    if (known?.attempt === attempt.number) return
    const open = [...this.#logs.values()].filter(({ isComplete }) => !isComplete).length
    if (open >= MAX_LOGS && (!known || known.isComplete)) return
    known?.subscription[Symbol.dispose]()
    const back = this.#options.logs === 'all' ? attempt.lines : TAIL_START_LINES
    const after = Math.max(0, attempt.lines - back) - 1
    const topic = { kind: 'log', jobId: job.id, attempt: attempt.number } as const
    const subscription = this.#live.subscribe(topic, after, {
      onEvent: (event) => this.#apply(event),
      onEnd: () => {
        const log = this.#logs.get(job.id)
        if (log) log.isComplete = true
        if (!this.#model) return
        this.#options.onLogEnd?.(this.#model, job.id)
        for (const one of this.#model.jobs.values()) this.#readLog(one)
        this.#endIfDone(this.#model)
      },
    })
    this.#logs.set(job.id, { attempt: attempt.number, isComplete: false, subscription })
  }

  /** Confirmed by REST: the pipeline's end may be published before that of its last job. */
  #endIfDone(model: PipelineModel): void {
    if (model.pipeline.status !== 'finished') {
      this.#confirmed = false
      return
    }
    if (!this.#confirmed) {
      this.#confirmed = true
      return this.#refresh(model.pipeline.id)
    }
    const isDone = ({ id, attempt }: JobView) => {
      const log = this.#logs.get(id)
      return !log || log.isComplete || log.attempt !== attempt
    }
    if ([...model.jobs.values()].every(isDone)) return this.#result.resolve(model)
    this.#grace ??= setTimeout(() => {
      if (this.#model) this.#result.resolve(this.#model)
    }, LOGS_GRACE_MS)
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(NarwhalError.from(signal.reason, 'cancelled'))
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return promise
}
