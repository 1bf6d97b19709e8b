import { Counter, Gauge } from '@prometheus-io/client'
import type { Metrics } from '../../http/metrics.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import type { Dispatcher } from '../dispatcher.ts'
import { StatusReporter, type StatusReporterDeps } from './status-reporter.ts'
import { tryTokens } from './try-tokens.ts'

/** Polling finds something new only after a dispatcher was lost or a repository linked. */
const POLL_MS = 30_000

export interface ReportStatusesOptions
  extends Omit<StatusReporterDeps, 'dispatcherId' | 'onResult'> {
  readonly dispatcher: Pick<Dispatcher, 'listen' | 'id'>
  readonly metrics: Metrics
}

export interface Statuses extends AsyncDisposable {
  /** Polls at once: a repository was linked or unlinked. Never rejects. */
  refresh(): Promise<void>
}

/**
 * Reports the status of this dispatcher's pipelines to forges until it is disposed. It is notified of changes
 * after they were written, and nothing waits for it.
 */
export function reportStatuses(options: ReportStatusesOptions): Statuses {
  const { dispatcher, metrics } = options
  const counter = new Counter({
    name: 'narwhal_statuses_total',
    help: 'Commit statuses for forges, by result.',
    labelNames: ['result'],
    registers: [metrics],
  })
  const reporter = new StatusReporter({
    ...options,
    dispatcherId: () => dispatcher.id,
    onResult: (result) => counter.inc({ result }),
  })
  new Gauge({
    name: 'narwhal_statuses_pending',
    help: 'Commits whose status is to be sent.',
    registers: [metrics],
    collect() {
      this.set(reporter.pending)
    },
  })
  const listening = dispatcher.listen((event) => {
    if (event.type === 'pipeline.changed') reporter.onChange(event.pipeline)
  })
  const stop = new AbortController()
  const { hosts = ANY_HOSTS } = options
  const trials = { ...options, hosts, signal: stop.signal }
  let trying: Promise<void> | undefined
  const poll = (): void => {
    void reporter.refresh()
    trying ??= tryTokens(trials, Date.now()).finally(() => {
      trying = undefined
    })
  }
  const timer = setInterval(poll, POLL_MS).unref()
  poll()
  return {
    refresh: () => reporter.refresh(),
    [Symbol.asyncDispose]: async () => {
      listening[Symbol.dispose]()
      clearInterval(timer)
      stop.abort()
      await trying
      await reporter[Symbol.asyncDispose]()
    },
  }
}
