import { spreadOf, tenths } from '../support/statistics.ts'
import { formatTable, type TableColumn } from '../support/table.ts'
import type { MeasuredContainers } from './measure-containers.ts'
import { PUSHES } from './whole.ts'

const COLUMNS: readonly TableColumn[] = [
  { title: '', holds: 'words' },
  { title: 'cold p50 (ms)', holds: 'figures' },
  { title: 'p25–p75', holds: 'figures' },
  { title: '÷ docker', holds: 'figures' },
  { title: 'per s, two at a time', holds: 'figures' },
  { title: '÷ docker', holds: 'figures' },
]

const p50 = (values: readonly number[]): number => spreadOf(values).p50

export function containersTable(measured: MeasuredContainers): string[] {
  const { ways, green, runs, pushes, ends, removals } = measured
  const [docker] = ways
  if (!docker) return []
  const [bare, rate] = [p50(docker.cold), p50(docker.perSecond)]
  const times = (values: readonly number[]): string[] => {
    const { p25, p50: median, p75 } = spreadOf(values)
    return [median.toFixed(0), `${p25.toFixed(0)}–${p75.toFixed(0)}`, ratio(median, bare)]
  }
  const rates = (values: readonly number[]): string[] => [
    p50(values).toFixed(1),
    ratio(p50(values), rate),
  ]
  const rows = [
    ...ways.map(({ name, cold, perSecond }) => [name, ...times(cold), ...rates(perSecond)]),
    ['webhook to success', ...times(green)],
    ['narwhal run, first output', ...times(runs.map(({ firstMs }) => firstMs))],
    ['narwhal run', ...times(runs.map(({ totalMs }) => totalMs))],
    [`${PUSHES} pushes at once`, '', '', '', ...rates(pushes)],
  ]
  const files = ends.length > 0 ? `${p50(ends).toFixed(0)} ms` : 'not measured'
  return [
    ...formatTable(COLUMNS, rows),
    `end of a job that left 10,000 files: ${files}; rm -rf of them: ${p50(removals).toFixed(0)} ms`,
  ]
}

/** Ratios to `docker run` of the same run; null where nothing was measured. */
export function containersFigures(measured: MeasuredContainers): object {
  const { ways, green, runs, pushes, ends, removals } = measured
  const [docker] = ways
  if (!docker) return {}
  const [bare, rate] = [p50(docker.cold), p50(docker.perSecond)]
  const find = (name: string) => ways.find((way) => way.name.startsWith(name))
  const cold = (name: string) => {
    const way = find(name)
    return way ? hundredths(p50(way.cold) / bare) : null
  }
  const perSecond = (name: string) => {
    const way = find(name)
    return way ? hundredths(p50(way.perSecond) / rate) : null
  }
  return {
    docker_p50_ms: tenths(bare),
    docker_per_s: tenths(rate),
    cold_ratio: cold('Narwhal oci:, crun'),
    cold_ratio_runc: cold('Narwhal oci:, runc'),
    plain_crun_ratio: cold('plain crun'),
    plain_runc_ratio: cold('plain runc'),
    podman_ratio: cold('podman'),
    green_ratio: hundredths(p50(green) / bare),
    burst_ratio: hundredths(p50(pushes) / rate),
    executor_burst_ratio: perSecond('Narwhal oci:, crun'),
    end_ratio: ends.length > 0 ? hundredths(p50(ends) / p50(removals)) : null,
    run_ratio: hundredths(p50(runs.map(({ totalMs }) => totalMs)) / bare),
    run_first_ms: tenths(p50(runs.map(({ firstMs }) => firstMs))),
  }
}

function ratio(value: number, base: number): string {
  return (value / base).toFixed(2)
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100
}
