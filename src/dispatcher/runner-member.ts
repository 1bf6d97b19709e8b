import type { RunnerSample } from '../contract/views.ts'

/** An attempt that a runner has and that nobody asks about. */
export interface Orphan {
  readonly jobId: string
  readonly attempt: number
  readonly fence: number
}

/** One runner behind a link, as it last told of itself. */
export interface Member {
  readonly instanceId: string
  readonly sample: Omit<RunnerSample, 'runnerId'>
  readonly draining: boolean
  readonly trouble: string
  readonly orphans: readonly Orphan[]
}

/** The load of all members of a link together. */
export function sumSamples(members: readonly Member[]): Omit<RunnerSample, 'runnerId'> {
  const samples = members.map((member) => member.sample)
  const sum = (of: (sample: Omit<RunnerSample, 'runnerId'>) => number): number =>
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
