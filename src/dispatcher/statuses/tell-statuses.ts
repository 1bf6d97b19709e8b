import { Counter, Gauge } from '@prometheus-io/client'
import type { Metrics } from '../../http/metrics.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import type { Dispatcher } from '../dispatcher.ts'
import { StatusTeller, type StatusTellerDeps } from './status-teller.ts'
import { tryTokens } from './try-tokens.ts'

/** What a look finds is there already, unless a dispatcher was lost or a link is new. */
const LOOK_MS = 30_000

export interface TellStatusesOptions extends Omit<StatusTellerDeps, 'dispatcherId' | 'onAnswer'> {
  readonly dispatcher: Pick<Dispatcher, 'listen' | 'id'>
  readonly metrics: Metrics
}

/** At work, until it is disposed. */
export interface Statuses extends AsyncDisposable {
  /** Has a look at once: a repository was linked, or is not any more. Never rejects. */
  look(): Promise<void>
}

/**
 * Tells forges how this dispatcher's pipelines stand, from now until it is disposed. It hears of
 * changes after they were written, and nothing waits for it.
 */
export function tellStatuses(options: TellStatusesOptions): Statuses {
  const { dispatcher, metrics } = options
  const counter = new Counter({
    name: 'narwhal_statuses_total',
    help: 'Statuses for forges, by what became of them; `nothing`: it was overtaken.',
    labelNames: ['result'],
    registers: [metrics],
  })
  const teller = new StatusTeller({
    ...options,
    dispatcherId: () => dispatcher.id,
    onAnswer: (result) => counter.inc({ result }),
  })
  new Gauge({
    name: 'narwhal_statuses_waiting',
    help: 'Commits whose status waits to be told.',
    registers: [metrics],
    collect() {
      this.set(teller.waiting)
    },
  })
  const listening = dispatcher.listen((event) => {
    if (event.type === 'pipeline.changed') teller.note(event.pipeline)
  })
  const stop = new AbortController()
  const { hosts = ANY_HOSTS } = options
  const trials = { ...options, hosts, signal: stop.signal }
  let trying: Promise<void> | undefined
  const look = (): void => {
    void teller.look()
    trying ??= tryTokens(trials, Date.now()).finally(() => {
      trying = undefined
    })
  }
  const timer = setInterval(look, LOOK_MS).unref()
  look()
  return {
    look: () => teller.look(),
    [Symbol.asyncDispose]: async () => {
      listening[Symbol.dispose]()
      clearInterval(timer)
      stop.abort()
      await trying
      await teller[Symbol.asyncDispose]()
    },
  }
}
