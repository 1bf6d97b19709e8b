import { assignment } from '../attempt/attempt-changes.ts'
import type { JobId } from '../ids.ts'
import type { Decision } from '../placement/placement.ts'
import { advancePipeline, type JobChange, type PipelineDraft } from './advance-pipeline.ts'
import { isHeldBack } from './approval.ts'
import { withReason } from './approve.ts'
import type { Pipeline } from './pipeline.ts'
import { failedJobs, type RerunRequest, rerunChanges } from './rerun-changes.ts'

/**
 * Commands on a pipeline, as changes of its draft. Each returns the draft itself if there is nothing to do.
 */

/** Cancels the pipeline, or one job; one not planned yet ends without jobs. */
export function withCancel(
  draft: PipelineDraft,
  { reason, at, only }: { reason: string; at: number; only?: JobId | undefined },
): PipelineDraft {
  if (draft.pipeline.state.status === 'pending') {
    return { ...draft, pipeline: endPipeline(draft.pipeline, { outcome: 'cancelled', reason }, at) }
  }
  const changes: JobChange[] = draft.jobs
    .filter(({ id }) => only === undefined || id === only)
    .map(({ id }) => ({ jobId: id, event: { type: 'cancelled', reason, at } }))
  return withReason(draft, advancePipeline(draft, changes, at), reason)
}

/** Reruns a finished job as its next attempt, and its dependents after it. */
export function withRerun(draft: PipelineDraft, id: JobId, asked: RerunRequest): PipelineDraft {
  const job = draft.jobs.find((one) => one.id === id)
  if (job?.state.status !== 'finished') return draft
  return advancePipeline(draft, rerunChanges(draft.jobs, [job], asked), asked.at)
}

/** Reruns the failed jobs as their next attempts, and their dependents; the rest continues. */
export function withFailedRerun(draft: PipelineDraft, asked: RerunRequest): PipelineDraft {
  const failed = failedJobs(draft.jobs)
  if (failed.length === 0) return draft
  return advancePipeline(draft, rerunChanges(draft.jobs, failed, asked), asked.at)
}

/** Assigns a job to the chosen runner, if it is still queued and may run. */
export function withAssignment(
  draft: PipelineDraft,
  id: JobId,
  { decision, at }: { decision: Decision; at: number },
): PipelineDraft {
  const job = draft.jobs.find((one) => one.id === id)
  if (job?.state.status !== 'queued' || isHeldBack(draft.pipeline)) return draft
  return advancePipeline(draft, [assignment(job, decision, at)], at)
}

/** Ends a pipeline that has run no job. */
export function endPipeline(
  pipeline: Pipeline,
  end: { outcome: 'error' | 'cancelled'; reason: string },
  at: number,
): Pipeline {
  return { ...pipeline, state: { status: 'finished', ...end, finishedAt: at } }
}
