import type { Outcome } from '../outcome.ts'
import type { Outputs } from '../plan/outputs.ts'
import type { ImageRun } from './image-run.ts'
import type { LogChunk } from './log-chunk.ts'

/** The phases of an attempt outside its steps, named as in the API. */
export type RunnerPhase = 'fetch' | 'checkout' | 'sandbox'

/**
 * Why an attempt ended without a result for its job: the runner failed, was asked to stop and hands the job
 * back, or has no engine for it, which doesn't count as the runner's failure.
 */
export type AttemptFault = 'runner' | 'handed_back' | 'no_engine'

/** What a runner reports about an attempt. Steps count from 0. */
export type AttemptEvent =
  | { readonly type: 'started'; readonly instanceId: string }
  | {
      readonly type: 'phase'
      readonly phase: RunnerPhase
      readonly durationMs: number
      /** Of a `sandbox` phase. */
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
      /** Set if the end says nothing about the job. */
      readonly fault?: AttemptFault
      readonly outputs?: Outputs
    }

/** `seq` counts from 1 without gaps; `at` is by the runner's clock, in epoch milliseconds. */
export interface NumberedEvent {
  readonly seq: number
  readonly at: number
  readonly event: AttemptEvent
}

export interface ReceivedEvent extends Omit<NumberedEvent, 'event'> {
  /** Absent: a kind that only newer runners know; it still takes its number. */
  readonly event?: AttemptEvent
}
