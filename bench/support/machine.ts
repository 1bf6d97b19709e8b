import { cpus, loadavg, release, totalmem, type } from 'node:os'

/**
 * What the figures were taken on, in a line. The load is of the last minute: what is above the
 * benchmark's own was somebody else. `engine`: what is known of the container engine.
 */
export function machineLine(engine: string): string {
  const all = cpus()
  const [load = 0] = loadavg()
  return [
    `machine: ${all.length} × ${all[0]?.model.trim() ?? 'unknown processor'}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `${type()} ${release()}`,
    engine,
    `Node ${process.versions.node}`,
    `load ${load.toFixed(1)}`,
  ].join(', ')
}
