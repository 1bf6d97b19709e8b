import type { JobId, PipelineId } from '../ids.ts'
import type { Outcome } from '../outcome.ts'

/**
 * A stretch of a pipeline's time. All spans are on one clock, the dispatcher's: a runner's times are
 * converted on arrival.
 *
 * Of the pipeline: `accept` (a webhook or a poll reports the commit → its event is stored), `queue` (→ the
 * pipeline is created), `place` (→ a runner is asked to plan it), `fetch` (that runner fetches the commit),
 * `plan` (narwhal.yml is parsed and planned). Of each attempt: `place` (the job is ready → a runner is
 * chosen), `handover` (→ the runner has started it), then concurrently `fetch`, `checkout` and `sandbox`
 * (`prepare` until they are reported), then each `step`, and `report` (the runner is done → the dispatcher
 * has its last event). A runner may report others.
 */
export interface Span {
  readonly name: string
  /** Absent: the whole pipeline's. */
  readonly job?: { readonly id: JobId; readonly name: string }
  readonly attempt?: number
  readonly step?: { readonly index: number; readonly name: string }
  /** Epoch milliseconds. */
  readonly startAt: number
  /** While it is `open`: until the waterfall's `at`. */
  readonly durationMs: number
  /** In progress. */
  readonly open: boolean
  /** Had it been shorter, the pipeline would have been further. */
  readonly critical: boolean
  /** Of a step or service that nothing after it waits for. */
  readonly beside?: true
  /** Of a step that has ended. */
  readonly outcome?: Outcome
}

/** A span before it is known whether it is critical. */
export type SpanDraft = Omit<Span, 'critical'>

/** Where a pipeline's time went. Times are epoch milliseconds. */
export interface Waterfall {
  readonly pipelineId: PipelineId
  /** The pipeline has ended: nothing is added unless a job is rerun. */
  readonly complete: boolean
  /** The start of the first span. */
  readonly startAt: number
  /** From there to the end of the last span. */
  readonly durationMs: number
  /** When it was computed. */
  readonly at: number
  /** Ordered by start. */
  readonly spans: readonly Span[]
}

/** What is known of a pipeline's times, from the store or from a view of it. */
export interface TimedPipeline {
  readonly id: PipelineId
  readonly status: string
  readonly createdAt: number
  readonly phases: readonly TimedPhase[]
}

export interface TimedJob extends Pick<TimedPipeline, 'status'> {
  readonly id: JobId
  readonly name: string
  readonly needs: readonly string[]
  /** The current attempt, which has no entry in `attempts` until it is placed. */
  readonly attempt: number
  readonly attempts: readonly TimedAttempt[]
  readonly queuedAt?: number | undefined
  readonly finishedAt?: number | undefined
}

export interface TimedAttempt {
  readonly number: number
  readonly assignedAt: number
  readonly startedAt?: number | undefined
  readonly finishedAt?: number | undefined
  readonly phases: readonly TimedPhase[]
  readonly steps: readonly TimedStep[]
}

export interface TimedPhase {
  readonly name: string
  readonly startedAt: number
  readonly durationMs: number
}

export interface TimedStep {
  readonly index: number
  readonly name: string
  readonly beside?: true | undefined
  readonly outcome?: Outcome | undefined
  readonly startedAt?: number | undefined
  readonly finishedAt?: number | undefined
}
