import { z } from 'zod'
import { isSha } from '../../core/commit-event.ts'
import { count } from './rest.ts'
import { pipelineId, pipelineView } from './views.ts'

/** What the approver has seen: nobody must approve anything else. */
const seen = {
  /** The full commit id. */
  sha: z.string().refine(isSha, 'is not a full commit id'),
  /** The digest of the plan, from the pipeline's `approval`. */
  plan: z.string().max(64).optional(),
}

export const approveRequest = z.strictObject(seen)
export type ApproveRequest = z.infer<typeof approveRequest>

export const awaitingQuery = z.object({ limit: count(200, 500) })
/** Pipelines waiting for approval, the longest waiting first. */
export const awaitingList = z.object({ pipelines: z.array(pipelineView) })

export const approveMany = z.strictObject({
  approvals: z
    .array(z.strictObject({ pipeline: pipelineId, ...seen }))
    .min(1)
    .max(200),
})
export const approvedMany = z.object({
  approvals: z.array(
    z.object({ pipeline: pipelineId, approved: z.boolean(), message: z.string().optional() }),
  ),
})
