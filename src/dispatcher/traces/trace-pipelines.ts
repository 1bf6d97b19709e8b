import type { PipelineView } from '../../contract/rest/views.ts'
import { parseTraceparent } from '../../core/traceparent.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Reads } from '../../store/store.ts'
import type { Dispatcher } from '../dispatcher.ts'
import type { OtlpOptions } from './otlp.ts'
import { spanTree } from './span-tree.ts'

/** How many finished pipelines may be queued; the traces of further ones are dropped. */
const MOST_WAITING = 1_000

export interface TraceOptions extends OtlpOptions {
  readonly dispatcher: Pick<Dispatcher, 'listen'>
  readonly store: Reads<'events' | 'jobs'>
}

/**
 * Sends a trace of every pipeline that ends at this dispatcher, built from the store. Best effort: nothing
 * waits for it, and a trace that can't be sent is lost.
 */
export async function tracePipelines(options: TraceOptions): Promise<AsyncDisposable> {
  const { dispatcher, store, log } = options
  // The libraries are loaded only if traces are wanted.
  const { Otlp } = await import('./otlp.ts')
  const otlp = new Otlp(options)
  const waiting: PipelineView[] = []
  let reading: Promise<void> | undefined
  let dropped = 0
  const read = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      try {
        const event = await store.events.find(next.event.id)
        const remote = parseTraceparent(event?.details?.traceparent)
        otlp.send(spanTree(next, await store.jobs.listViews(next.id)), remote)
      } catch (error) {
        const reason = NarwhalError.from(error).message
        log.warn({ pipeline: next.id, reason }, 'building a trace failed')
      }
    }
    reading = undefined
  }
  const listening = dispatcher.listen((event) => {
    if (event.type !== 'pipeline.changed' || event.pipeline.status !== 'finished') return
    if (waiting.length >= MOST_WAITING) {
      if (dropped++ === 0) log.warn('traces dropped: too many pipelines end at once')
      return
    }
    waiting.push(event.pipeline)
    reading ??= Promise.resolve().then(read)
  })
  return {
    [Symbol.asyncDispose]: async () => {
      listening[Symbol.dispose]()
      await reading
      await otlp[Symbol.asyncDispose]()
    },
  }
}
