import { z } from 'zod'
import type { Waterfall } from '../../core/waterfall/waterfall.ts'
import { at, jobId, outcomeSchema, pipelineId } from './views.ts'

const spanView = z
  .object({
    name: z.string(),
    job: z.object({ id: jobId, name: z.string() }).exactOptional(),
    attempt: z.int().positive().exactOptional(),
    step: z.object({ index: z.int().nonnegative(), name: z.string() }).exactOptional(),
    startAt: at,
    durationMs: z.number().nonnegative(),
    open: z.boolean(),
    critical: z.boolean(),
    beside: z.literal(true).exactOptional(),
    outcome: outcomeSchema.exactOptional(),
  })
  .meta({ id: 'Span' })

/** Where a pipeline's time went. */
export const waterfallView = z
  .object({
    pipelineId,
    complete: z.boolean(),
    startAt: at,
    durationMs: z.number().nonnegative(),
    at,
    spans: z.array(spanView),
  })
  .meta({ id: 'Waterfall' }) satisfies z.ZodType<Waterfall>
