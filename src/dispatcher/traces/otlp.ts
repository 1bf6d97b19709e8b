import { context, SpanStatusCode, TraceFlags, type Tracer, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import type { RemoteSpan } from '../../core/traceparent.ts'
import { within } from '../../lib/async/within.ts'
import type { Logger } from '../../lib/log.ts'
import type { SpanNode } from './span-tree.ts'

/** How many spans may be queued for the collector before new ones are dropped. */
const MOST_SPANS = 20_000
const SEND_MS = 5_000

export interface OtlpOptions {
  /** Of the collector, without `/v1/traces`. */
  readonly url: string
  readonly version: string
  readonly log: Logger
}

/** Sends traces to a collector by OTLP/HTTP, asynchronously and in batches. */
export class Otlp implements AsyncDisposable {
  readonly #provider: TracerProvider
  readonly #tracer: Tracer

  constructor({ url, version, log }: OtlpOptions) {
    const exporter = new OTLPTraceExporter({
      url: `${url.replace(/\/$/, '')}/v1/traces`,
      timeoutMillis: SEND_MS,
    })
    const processor = new BatchSpanProcessor({
      exporter: logging(exporter, log),
      maxQueueSize: MOST_SPANS,
      scheduledDelayMillis: 1_000,
      exportTimeoutMillis: SEND_MS,
    })
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'narwhal', 'service.version': version }),
      spanProcessors: [processor],
    })
    this.#tracer = this.#provider.getTracer('narwhal', version)
  }

  /**
   * Sends a tree, as a child of a remote span if there is one: that links traces, but doesn't decide whether
   * this one is sampled. Never waits and never throws.
   */
  send(root: SpanNode, remote?: RemoteSpan): void {
    const active = context.active()
    if (!remote) return this.#add(root, active)
    const parent = { ...remote, traceFlags: TraceFlags.SAMPLED, isRemote: true }
    this.#add(root, trace.setSpanContext(active, parent))
  }

  #add(node: SpanNode, parent: ReturnType<typeof context.active>): void {
    const { name, attributes, failure } = node
    // Dates: small numbers would count as times since the start of the process.
    const startTime = new Date(node.startAt)
    const span = this.#tracer.startSpan(name, { startTime, attributes: { ...attributes } }, parent)
    if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure })
    for (const child of node.children) this.#add(child, trace.setSpan(parent, span))
    span.end(new Date(Math.max(node.startAt, node.endAt)))
  }

  /** Sends the queued spans, for a few seconds at most. */
  async [Symbol.asyncDispose](): Promise<void> {
    const late = new Error('the collector does not answer')
    await within(SEND_MS, this.#provider.shutdown(), late).catch(() => undefined)
  }
}

/** Logs once that exporting fails, and once that it works again. */
function logging(exporter: SpanExporter, log: Logger): SpanExporter {
  let isFailing = false
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error && !isFailing) {
          log.warn({ reason: result.error.message }, 'sending traces failed: they are dropped')
        }
        if (!result.error && isFailing) log.info('sending traces works again')
        isFailing = result.error !== undefined
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => await exporter.forceFlush?.(),
  }
}
