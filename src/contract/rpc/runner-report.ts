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

/** An attempt that a runner has and that nobody asks about. */
export interface Orphan extends AttemptRef {
  readonly fence: number
}

/** What a runner says of itself again and again. */
export interface RunnerReport {
  /** Of one life of the process; behind a balancer several report. */
  readonly instanceId: string
  readonly sample: Omit<RunnerSample, 'runnerId'>
  readonly draining: boolean
  /** What keeps it from running jobs, in words; empty: nothing. */
  readonly trouble: string
  readonly orphans: readonly Orphan[]
  /** What it can run jobs with now; absent: it does not tell, and what it said when it was described holds. */
  readonly engines?: Engines
}

export interface Engines {
  readonly all: readonly Engine[]
  /** Those of them that may run the jobs of strangers. */
  readonly strangers: readonly Engine[]
}

type OrphanMessage = Pick<OrphanAttempt, 'jobId' | 'attempt' | 'fence'>

/** So many are looked at for each report; the next one tells of the others. */
const MOST_ORPHANS = 200
/** What one machine is taken to run at a time, whatever it says. */
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

/** A runner may say anything: what can't be is cut, counts as nothing, or is left out. */
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

/** Throws `invalid` when that can't be an attempt. */
export function orphanFromProto(message: OrphanMessage): Orphan {
  return { ...attemptRefFromProto(message), fence: Number(message.fence) }
}

function figure(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0
}
