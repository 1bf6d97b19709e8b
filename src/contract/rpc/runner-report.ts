import type { MessageInitShape } from '@bufbuild/protobuf'
import type { AttemptRef } from '../../core/ids.ts'
import { type Engine, knownEngines } from '../../core/placement/placement.ts'
import {
  type OrphanAttempt,
  type WatchLoadResponse,
  type WatchLoadResponseSchema,
} from '../gen/narwhal/v1/runner_pb.js'
import type { RunnerSample } from '../rest/views.ts'
import { attemptRefFromProto, isAttempt } from './attempt.ts'

/** An attempt on a runner that no dispatcher has claimed. */
export interface Orphan extends AttemptRef {
  readonly fence: number
}

/** A runner's periodic report. */
export interface RunnerReport {
  /** Identifies one run of the process; behind a load balancer several report. */
  readonly instanceId: string
  readonly sample: Omit<RunnerSample, 'runnerId'>
  readonly draining: boolean
  /** What keeps it from running jobs; empty: nothing. */
  readonly trouble: string
  readonly orphans: readonly Orphan[]
  /** The engines available now; absent: those of its description apply. */
  readonly engines?: Engines
}

export interface Engines {
  readonly all: readonly Engine[]
  /** Those that may run strangers' jobs. */
  readonly strangers: readonly Engine[]
}

type OrphanMessage = Pick<OrphanAttempt, 'jobId' | 'attempt' | 'fence'>

/** At most this many are handled per report; later reports have the others. */
const MOST_ORPHANS = 200
/** The upper bound of a machine's slots, whatever it reports. */
const MOST_SLOTS = 1_000
const LONGEST_ID = 100
const LONGEST_TROUBLE = 500

export function reportToProto(
  report: RunnerReport,
): MessageInitShape<typeof WatchLoadResponseSchema> {
  const { instanceId, sample, draining, trouble, orphans, engines } = report
  return {
    instanceId,
    atMs: BigInt(sample.at),
    slots: sample.slots,
    busy: sample.busy,
    draining,
    load: sample.load,
    cpu: sample.cpu,
    memoryUsedBytes: BigInt(sample.memoryUsedBytes),
    memoryTotalBytes: BigInt(sample.memoryTotalBytes),
    diskFreeBytes: BigInt(sample.diskFreeBytes),
    trouble,
    orphans: orphans.map(orphanToProto),
    ...(engines && { engines: { all: [...engines.all], strangers: [...engines.strangers] } }),
  }
}

/** Runners are not trusted: invalid values are truncated, zeroed or dropped. */
export function reportFromProto(message: WatchLoadResponse): RunnerReport {
  const { engines } = message
  return {
    instanceId: message.instanceId.slice(0, LONGEST_ID),
    draining: message.draining,
    trouble: message.trouble.slice(0, LONGEST_TROUBLE).toWellFormed(),
    orphans: message.orphans.slice(0, MOST_ORPHANS).filter(isAttempt).map(orphanFromProto),
    ...(engines && {
      engines: { all: knownEngines(engines.all), strangers: knownEngines(engines.strangers) },
    }),
    sample: {
      at: Number(message.atMs),
      slots: Math.min(message.slots, MOST_SLOTS),
      busy: message.busy,
      load: figure(message.load),
      cpu: figure(message.cpu),
      memoryUsedBytes: Number(message.memoryUsedBytes),
      memoryTotalBytes: Number(message.memoryTotalBytes),
      diskFreeBytes: Number(message.diskFreeBytes),
    },
  }
}

export function orphanToProto({ jobId, attempt, fence }: Orphan) {
  return { jobId, attempt, fence: BigInt(fence) }
}

/** Throws `invalid` if the reference is malformed. */
export function orphanFromProto(message: OrphanMessage): Orphan {
  return { ...attemptRefFromProto(message), fence: Number(message.fence) }
}

function figure(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0
}
