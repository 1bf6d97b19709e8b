import { z } from 'zod'
import { jobId, outcomeSchema, pipelineId } from '../rest/views.ts'

const at = z.number().int().nonnegative()

/**
 * A stretch of a pipeline's time. All spans are on one clock, the dispatcher's; what a runner told was
 * put on it when it came.
 *
 * Of the pipeline: `accept` (a webhook or a poll tells of the commit → its event is written), `queue`
 * (→ there is a pipeline), `place` (→ a runner is asked to plan it), `fetch` (the commit comes to that
 * runner), `plan` (narwhal.yml is read and understood). Of each attempt: `place` (the job could run
 * → a runner is chosen), `handover` (→ the runner has begun), then beside each other `fetch`,
 * `checkout` and `sandbox` (while they go on, and are not told of yet: `prepare`), then each `step`,
 * and `report` (the runner has ended → its words are with the dispatcher). A runner may tell of more.
 */
export const spanView = z
  .object({
    name: z.string(),
    /** Absent: it is the whole pipeline's. */
    job: z.object({ id: jobId, name: z.string() }).optional(),
    attempt: z.number().int().positive().optional(),
    step: z.object({ index: z.number().int().nonnegative(), name: z.string() }).optional(),
    startAt: at,
    /** Of one that is `open`: until the answer's `at`. */
    durationMs: z.number().nonnegative(),
    /** It still goes on. */
    open: z.boolean(),
    /** Had it been shorter, the pipeline would have been further. */
    critical: z.boolean(),
    /** Of a step or service that nothing after it waits for. */
    beside: z.literal(true).optional(),
    /** Of a step that has ended. */
    outcome: outcomeSchema.optional(),
  })
  .meta({ id: 'Span' })
export type Span = z.infer<typeof spanView>

/** A span before it is known whether it is critical. */
export type SpanDraft = Omit<Span, 'critical'>

/** Where a pipeline's time went. */
export const waterfallView = z
  .object({
    pipelineId,
    /** The pipeline has ended: nothing is added any more, unless a job is run again. */
    complete: z.boolean(),
    /** When the first span starts. */
    startAt: at,
    /** From there to the end of the last span. */
    durationMs: z.number().nonnegative(),
    /** When the answer was made. */
    at,
    /** Ordered by their start. */
    spans: z.array(spanView),
  })
  .meta({ id: 'Waterfall' })
export type Waterfall = z.infer<typeof waterfallView>
