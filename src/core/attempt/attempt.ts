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

export interface Step {
  readonly name: string
  /** It runs beside the steps after it: a service, or a step in the background. */
  readonly beside?: true
  readonly status: 'waiting' | 'running' | 'finished'
  readonly outcome?: Outcome
  readonly reason?: string
  readonly exitCode?: number
  readonly startedAt?: number
  readonly finishedAt?: number
}

/** One try of a job. Written when a runner is chosen for it. */
export interface Attempt {
  readonly number: number
  readonly runnerId: RunnerId
  /** The fencing token of its lease. */
  readonly fence: number
  /** The user who wanted the job run again, if one did by this attempt. */
  readonly askedBy?: string
  readonly status: 'assigned' | 'running' | 'finished'
  readonly outcome?: Outcome
  readonly reason?: string
  readonly assignedAt: number
  readonly startedAt?: number
  readonly finishedAt?: number
  readonly decision: Decision
  readonly phases: readonly Phase[]
  readonly steps: readonly Step[]
  /** What the job told, once it has ended. */
  readonly outputs?: Outputs
  /** How many lines of its log are stored. */
  readonly lines: number
  /** What its runner has sent of its log, in bytes of text; it only grows. */
  readonly logBytes: number
  /** The number of the runner's last event that is stored; the stream resumes behind it. */
  readonly lastSeq: number
  /** When text was taken out of its log, the last time; absent: never. */
  readonly redactedAt?: number
}
