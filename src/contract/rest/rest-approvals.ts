import { z } from 'zod'
import { isSha } from '../../core/commit-event.ts'
import { APPROVAL_RULES, PIPELINE_FILES_RULES } from '../../core/stranger/approval.ts'
import { count } from './rest.ts'
import { pipelineId, pipelineView } from './views.ts'

/** What somebody was shown who approves: nobody approves what they have not seen. */
const seen = {
  /** The commit, whole. */
  sha: z.string().refine(isSha, 'is not a full commit id'),
  /** The digest of the plan, as the pipeline's `approval` tells it. */
  plan: z.string().max(64).optional(),
}

export const approveRequest = z.strictObject(seen)
export type ApproveRequest = z.infer<typeof approveRequest>

export const awaitingQuery = z.object({ limit: count(200, 500) })
/** Those that wait for approval, the longest waiting first. */
export const awaitingList = z.object({ pipelines: z.array(pipelineView) })

export const approveMany = z.strictObject({
  approvals: z
    .array(z.strictObject({ pipeline: pipelineId, ...seen }))
    .min(1)
    .max(200),
})
/** In the same order; `message`: why one was not approved. */
export const approvedMany = z.object({
  approvals: z.array(
    z.object({ pipeline: pipelineId, approved: z.boolean(), message: z.string().optional() }),
  ),
})

/** What of a repository can be changed; what is absent stays. */
export const changeRepository = z.strictObject({
  approval: z.enum(APPROVAL_RULES).optional(),
  /** Whether strangers of whom something was merged wait with a change of the pipeline's files. */
  pipelineFiles: z.enum(PIPELINE_FILES_RULES).optional(),
  /** A commit for which nothing is run is no success at the forge, also one of its own people's. */
  skippedIsOpen: z.boolean().optional(),
  /** Accounts, by the forge's numbers, that are strangers also on branches of its own. */
  strangerAccounts: z.array(z.number().int().positive()).max(200).optional(),
})
export type ChangeRepository = z.infer<typeof changeRepository>
