import type { Outcome } from '../outcome.ts'
import type { Outputs } from '../plan/outputs.ts'
import type { ImageRun } from './image-run.ts'
import type { LogChunk } from './log-chunk.ts'

/** The stretches of an attempt outside its steps, by the names they have in views. */
export type RunnerPhase = 'fetch' | 'checkout' | 'sandbox'

/**
 * Why an attempt ended without a word about its job: the runner could not run it, or was asked to
 * stop and hands it back, or has nothing that could run it, which is no failure of its own.
 */
export type AttemptFault = 'runner' | 'handed_back' | 'no_engine'

/** What a runner tells of an attempt. Steps count from 0. */
export type AttemptEvent =
  | { readonly type: 'started'; readonly instanceId: string }
  | {
      readonly type: 'phase'
      readonly phase: RunnerPhase
      readonly durationMs: number
      /** Of the sandbox. */
      readonly images?: readonly ImageRun[]
    }
  | { readonly type: 'step_started'; readonly step: number }
  | { readonly type: 'log'; readonly chunk: LogChunk }
  | {
      readonly type: 'step_finished'
      readonly step: number
      readonly outcome: Outcome
      readonly exitCode?: number
      readonly reason?: string
    }
  /** The last event of every attempt. */
  | {
      readonly type: 'finished'
      readonly outcome: Outcome
      readonly reason?: string
      /** Set where the end says nothing about the job. */
      readonly fault?: AttemptFault
      /** What the job tells the jobs that need it. */
      readonly outputs?: Outputs
    }

/** An event in its place: numbers grow by one from 1; the time is the runner's, epoch milliseconds. */
export interface NumberedEvent {
  readonly seq: number
  readonly at: number
  readonly event: AttemptEvent
}

/** An event as a dispatcher has it. */
export interface ReceivedEvent extends Omit<NumberedEvent, 'event'> {
  /** Absent: of a kind that only newer runners know. It has its number all the same. */
  readonly event?: AttemptEvent
}
