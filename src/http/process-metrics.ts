import { collectDefaultMetrics, Gauge } from '@prometheus-io/client'
import type { LagFigures, LoopWatch } from './loop-watch.ts'
import type { Metrics } from './metrics.ts'

/** The client's own look at the event loop is replaced: it wakes the process a hundred times a second. */
const NEVER_MS = 2 ** 31 - 1
/** The client looks at the loop's activity ten times a second by default. */
const UTILIZATION_MS = 5_000

const LAG = [
  ['min', 'The minimum recorded event loop delay.'],
  ['max', 'The maximum recorded event loop delay.'],
  ['mean', 'The mean of the recorded event loop delays.'],
  ['stddev', 'The standard deviation of the recorded event loop delays.'],
  ['p50', 'The 50th percentile of the recorded event loop delays.'],
  ['p90', 'The 90th percentile of the recorded event loop delays.'],
  ['p99', 'The 99th percentile of the recorded event loop delays.'],
] as const satisfies readonly (readonly [keyof LagFigures, string])[]

/**
 * Registers what the Prometheus client knows of a Node process under its usual names (processor, memory, garbage
 * collection, handles, the event loop), without waking an idle process for it.
 */
export function collectProcessMetrics(register: Metrics, loop: LoopWatch): void {
  collectDefaultMetrics({
    register,
    eventLoopMonitoringPrecision: NEVER_MS,
    eventLoopUtilizationTimeout: UTILIZATION_MS,
  })
  const gauges = LAG.map(([field, help]) => {
    const name = `nodejs_eventloop_lag_${field}_seconds`
    register.removeSingleMetric(name)
    // Metrics are collected in the order of their registration: the first one sets all.
    const collect = (): void => {
      const figures = loop.take()
      for (const { field, gauge } of gauges) gauge.set(figures[field])
    }
    const first = field === 'min' ? { collect } : {}
    return { field, gauge: new Gauge({ name, help, registers: [register], ...first }) }
  })
}
