import type { RunnerId } from '../ids.ts'
import type { Outcome } from '../outcome.ts'
import type { Decision } from '../placement/placement.ts'
import type { Outputs } from '../plan/outputs.ts'
import type { ImageRun } from './image-run.ts'

/** A stretch of an attempt or of a pipeline outside its steps. Times are epoch milliseconds. */
export interface Phase {
  readonly name: string
  readonly startedAt: number
  readonly durationMs: number
  /** Of a sandbox: the images of its containers. */
  readonly images?: readonly ImageRun[]
}

/** waiting → running → finished; one that is not run at all goes from waiting to finished. */
export type Step = {
  readonly name: string
  /** It runs beside the steps after it: a service, or a step in the background. */
  readonly beside?: true
} & (
  | { readonly status: 'waiting' }
  | { readonly status: 'running'; readonly startedAt: number }
  | {
      readonly status: 'finished'
      readonly outcome: Outcome
      readonly reason?: string
      readonly exitCode?: number
      /** Absent: it was not run. */
      readonly startedAt?: number
      /** Absent: it ended with its attempt, before its turn had come. */
      readonly finishedAt?: number
    }
)

export const STEP_STATUSES = [
  'waiting',
  'running',
  'finished',
] as const satisfies readonly Step['status'][]

/**
 * One try of a job: assigned → running → finished, or from assigned to finished. Written when a runner
 * is chosen for it.
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

/** How an attempt has ended. */
export interface AttemptResult {
  readonly outcome: Outcome
  readonly reason?: string
  /** Absent: its runner never began it. */
  readonly startedAt?: number
  readonly finishedAt: number
  /** What the job told. */
  readonly outputs?: Outputs
}

/** How it has ended; undefined: it has not. */
export function resultOf(attempt: Attempt): AttemptResult | undefined {
  return attempt.status === 'finished' ? attempt : undefined
}

/** When its runner began it; undefined: it has not, as far as is known. */
export function startedAtOf(attempt: Attempt): number | undefined {
  return attempt.status === 'assigned' ? undefined : attempt.startedAt
}

/** What is written of an attempt together with the lines of its log. */
const OF_LOG: ReadonlySet<string> = new Set<keyof Attempt>(['lines', 'logBytes', 'lastSeq'])

/** Whether nothing but its log has gone on since; parts that are the same are the same objects. */
export function differsInLogOnly(former: Attempt, now: Attempt): boolean {
  const before: Readonly<Record<string, unknown>> = { ...former }
  const after: Readonly<Record<string, unknown>> = { ...now }
  return Object.keys({ ...before, ...after }).every(
    (key) => OF_LOG.has(key) || before[key] === after[key],
  )
}

/** What is known of an attempt in each of its states. */
export interface AttemptFacts {
  readonly number: number
  readonly runnerId: RunnerId
  /** The fencing token of its lease. */
  readonly fence: number
  /** The user who wanted the job run again, if one did by this attempt. */
  readonly askedBy?: string
  readonly assignedAt: number
  readonly decision: Decision
  readonly phases: readonly Phase[]
  readonly steps: readonly Step[]
  /** How many lines of its log are stored. */
  readonly lines: number
  /** What its runner has sent of its log, in bytes of text; it only grows. */
  readonly logBytes: number
  /** The number of the runner's last event that is stored; the stream resumes behind it. */
  readonly lastSeq: number
  /** When text was taken out of its log, the last time; absent: never. */
  readonly redactedAt?: number
}
