import type { Outcome } from '../../src/core/outcome.ts'
import type { FaultKind, Role } from './kinds.ts'

/**
 * What a run has left to be judged: what the client did and was told, what was done to the processes,
 * what the steps themselves wrote down, what the store said on the way and at the end. Times are
 * milliseconds of the machine's clock (`machineMs`) unless they are said to be others.
 */
export interface Evidence {
  readonly commits: readonly PushedCommit[]
  readonly deliveries: readonly Delivery[]
  readonly cancels: readonly Cancel[]
  readonly faults: readonly FaultRecord[]
  readonly lives: readonly ProcessLife[]
  readonly changes: readonly Change[]
  readonly owners: readonly Ownership[]
  readonly runs: readonly StepRun[]
  readonly pipelines: readonly FinalPipeline[]
  readonly samples: readonly Sample[]
  /** Processes that did not become ready again, and why. */
  readonly unready: readonly string[]
  /** What was still there when nothing should have been. */
  readonly leftovers: readonly string[]
  readonly staleWrites: number
}

/** What a job of a commit does; the same on every attempt. */
export interface JobScript {
  readonly name: string
  readonly needs: readonly string[]
  readonly steps: readonly StepScript[]
  /** The exit code of its last step. */
  readonly exitCode: number
}

export interface StepScript {
  readonly name: string
  readonly lines: readonly string[]
  /** How many of the lines it prints before each of its beats. */
  readonly linesBeforeBeats: readonly number[]
}

export interface PushedCommit {
  readonly sha: string
  readonly ref: string
  /** `owner/name` */
  readonly repository: string
  readonly jobs: readonly JobScript[]
  /** The times that its branch was moved to it: the push, and pushes back. */
  readonly moves: readonly string[]
}

/** One webhook that was sent, and what came back. */
export interface Delivery {
  readonly id: string
  readonly sha: string
  /** Which move of the branch it told of. */
  readonly move: string
  readonly agent: string
  readonly sentAt: number
  readonly answeredAt: number
  /** `unknown`: no answer came, so it may have been accepted. */
  readonly result: 'acked' | 'refused' | 'unknown'
  readonly status?: number
}

export interface Cancel {
  readonly kind: 'pipeline' | 'job'
  readonly id: string
  readonly askedAt: number
  readonly answeredAt: number
  /** `over`: it had ended before; `unknown`: no answer came. */
  readonly result: 'acked' | 'over' | 'unknown'
}

export interface FaultRecord {
  readonly kind: FaultKind
  /** The process, link or service. */
  readonly target: string
  readonly at: number
  readonly healedAt: number
}

/** One life of a process, from its start to its end. */
export interface ProcessLife {
  readonly name: string
  readonly role: Role
  readonly pid: number
  readonly startedAt: number
  /** When it first said that it is ready; absent if never. */
  readonly readyAt?: number
  readonly endedAt?: number
  /** `killed`: the nemesis did it; `stopped`: it was asked to end; `itself`: nobody asked it to. */
  readonly end?: 'killed' | 'stopped' | 'itself'
  readonly exitCode?: number | undefined
  readonly exitSignal?: string | undefined
}

/** A state change as the store numbered it. */
export interface Change {
  readonly seq: number
  readonly kind: 'pipeline' | 'job'
  readonly id: string
  readonly pipelineId: string
  readonly status: string
  readonly outcome?: Outcome | undefined
  /** Of a job. */
  readonly attempt?: number | undefined
  /** How each attempt of a job that has ended did so, by its number. */
  readonly ends?: Readonly<Record<number, string>> | undefined
  /** By the writer's wall clock, epoch milliseconds. */
  readonly writtenWallMs: number
  /** When the harness saw it. */
  readonly seenAt: number
}

/** Whose an open pipeline was seen to be, from this moment on. */
export interface Ownership {
  readonly pipelineId: string
  /** One life of a dispatcher; null: nobody's. */
  readonly dispatcherId: string | null
  /** The name of its process. */
  readonly owner?: string | undefined
  readonly term: number
  readonly seenAt: number
}

/** One run of one step, as the step itself wrote it down outside of Narwhal. */
export interface StepRun {
  readonly jobId: string
  readonly attempt: number
  readonly step: number
  /** Differs between two runs of the same step. */
  readonly token: string
  /** The name of the runner. */
  readonly runner: string
  readonly beganAt: number
  /** The last thing it wrote; `beganAt` when nothing came after. */
  readonly lastAt: number
  /** It came to its end by itself. */
  readonly ended: boolean
}

export interface FinalPipeline {
  readonly id: string
  readonly sha: string
  readonly ref: string
  readonly repository: string
  readonly isRerun: boolean
  readonly status: string
  readonly outcome?: Outcome | undefined
  readonly reason?: string | undefined
  readonly jobs: readonly FinalJob[]
}

export interface FinalJob {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly outcome?: Outcome | undefined
  readonly reason?: string | undefined
  readonly attempt: number
  /** The last fencing token that was given out. */
  readonly fence: number
  readonly attempts: readonly FinalAttempt[]
}

export interface FinalAttempt {
  readonly number: number
  readonly fence: number
  readonly status: string
  readonly outcome?: Outcome | undefined
  readonly reason?: string | undefined
  readonly log: readonly FinalLine[]
}

export interface FinalLine {
  readonly step: number
  readonly stream: 'stdout' | 'stderr' | 'narwhal'
  readonly text: string
}

/** What a process took of memory, in bytes. */
export interface Sample {
  readonly name: string
  readonly role: Role
  readonly at: number
  readonly rssBytes: number
}
