import type { RunnerReport } from '../../contract/rpc/runner-report.ts'

type Sample = RunnerReport['sample']

/**
 * The engines that all members of a link have, since a job may reach any of them. Undefined: not reported.
 */
export function enginesOf(
  members: readonly Pick<RunnerReport, 'engines'>[],
): RunnerReport['engines'] {
  const [first, ...others] = members.flatMap(({ engines }) => engines ?? [])
  return (
    first && {
      all: first.all.filter((engine) => others.every(({ all }) => all.includes(engine))),
      strangers: first.strangers.filter((engine) =>
        others.every(({ strangers }) => strangers.includes(engine)),
      ),
    }
  )
}

/** The total load of a link's members. */
export function sumSamples(members: readonly Pick<RunnerReport, 'sample'>[]): Sample {
  const samples = members.map((member) => member.sample)
  const sum = (of: (sample: Sample) => number): number =>
    samples.reduce((total, sample) => total + of(sample), 0)
  return {
    at: Date.now(),
    slots: sum((sample) => sample.slots),
    busy: sum((sample) => sample.busy),
    load: sum((sample) => sample.load) / samples.length,
    cpu: sum((sample) => sample.cpu) / samples.length,
    memoryUsedBytes: sum((sample) => sample.memoryUsedBytes),
    memoryTotalBytes: sum((sample) => sample.memoryTotalBytes),
    diskFreeBytes: sum((sample) => sample.diskFreeBytes),
  }
}
