import { Registry } from '@prometheus-io/client'

/**
 * The process's metrics in the Prometheus text format
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Each service registers its counters
 * and gauges in the registry it is given; services in one process share one.
 */
export function openMetrics(): Registry {
  return new Registry()
}

export type Metrics = Registry
