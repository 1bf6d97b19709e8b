import type { RunnerId } from '../ids.ts'
import type { Outcome } from '../outcome.ts'
import type { Decision } from '../placement/placement.ts'
import type { Outputs } from '../plan/outputs.ts'
import type { ImageRun } from './image-run.ts'

/** A phase of an attempt or a pipeline outside its steps. Times are epoch milliseconds. */
export interface Phase {
  readonly name: string
  readonly startedAt: number
  readonly durationMs: number
  /** Of a `sandbox` phase: the images of its containers. */
  readonly images?: readonly ImageRun[]
  /** Of a `plan` phase: what people should know about the plan. */
  readonly note?: string
}

/** waiting → running → finished, or from waiting to finished if it is never run. */
export type Step = {
  readonly name: string
  /** It runs concurrently with the steps after it: a service, or a background step. */
  readonly beside?: true
} & (
  | { readonly status: 'waiting' }
  | { readonly status: 'running'; readonly startedAt: number }
  | {
      readonly status: 'finished'
      readonly outcome: Outcome
      readonly reason?: string
      readonly exitCode?: number
      /** Absent: it never ran. */
      readonly startedAt?: number
      /** Absent: its attempt ended before its turn came. */
      readonly finishedAt?: number
    }
)

export const STEP_STATUSES = [
  'waiting',
  'running',
  'finished',
] as const satisfies readonly Step['status'][]

/**
 * One attempt at a job: assigned → running → finished, or from assigned to finished. Created when a runner is
 * chosen.
 */
export type Attempt = AttemptFacts & AttemptState

export type AttemptState =
  | { readonly status: 'assigned' }
  | { readonly status: 'running'; readonly startedAt: number }
  | ({ readonly status: 'finished' } & AttemptResult)

export const ATTEMPT_STATUSES = [
  'assigned',
  'running',
  'finished',
] as const satisfies readonly AttemptState['status'][]

export interface AttemptResult {
  readonly outcome: Outcome
  readonly reason?: string
  /** Absent: its runner never started it. */
  readonly startedAt?: number
  readonly finishedAt: number
  readonly outputs?: Outputs
}

/** Undefined: it hasn't finished. */
export function resultOf(attempt: Attempt): AttemptResult | undefined {
  return attempt.status === 'finished' ? attempt : undefined
}

/** When its runner started it; undefined: not known to have started. */
export function startedAtOf(attempt: Attempt): number | undefined {
  return attempt.status === 'assigned' ? undefined : attempt.startedAt
}

/** The fields that are written together with log lines. */
const OF_LOG: ReadonlySet<string> = new Set<keyof Attempt>(['lines', 'logBytes', 'lastSeq'])

/** Whether only the log has advanced; unchanged parts are the same objects. */
export function differsInLogOnly(former: Attempt, now: Attempt): boolean {
  const before: Readonly<Record<string, unknown>> = { ...former }
  const after: Readonly<Record<string, unknown>> = { ...now }
  return Object.keys({ ...before, ...after }).every(
    (key) => OF_LOG.has(key) || before[key] === after[key],
  )
}

/** The fields that an attempt has in every state. */
export interface AttemptFacts {
  readonly number: number
  readonly runnerId: RunnerId
  /** The fencing token of its lease. */
  readonly fence: number
  /** The user whose rerun this attempt is, if any. */
  readonly askedBy?: string
  readonly assignedAt: number
  readonly decision: Decision
  readonly phases: readonly Phase[]
  readonly steps: readonly Step[]
  /** How many log lines are stored. */
  readonly lines: number
  /** Bytes of log text that its runner has sent; only grows. */
  readonly logBytes: number
  /** The number of the last stored event; the stream resumes after it. */
  readonly lastSeq: number
  /** When its log was last redacted; absent: never. */
  readonly redactedAt?: number
}
