import { Registry } from '@prometheus-io/client'

/**
 * The process's own figures in the Prometheus text format
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Each service makes its counters
 * and gauges on the registry it is given; several services in one process share one.
 */
export function openMetrics(): Registry {
  return new Registry()
}

export type Metrics = Registry
