import { cpus, loadavg, release, totalmem, type } from 'node:os'

/**
 * What the figures were taken on, in a line. The load is of the last minute: what is above the
 * benchmark's own was somebody else. `services`: what is known of those, such as their versions.
 */
export function machineLine(services: readonly string[]): string {
  const all = cpus()
  const [load = 0] = loadavg()
  return [
    `machine: ${all.length} × ${all[0]?.model.trim() ?? 'unknown processor'}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `${type()} ${release()}`,
    `Node ${process.versions.node}`,
    ...services,
    `load ${load.toFixed(1)}`,
  ].join(', ')
}
