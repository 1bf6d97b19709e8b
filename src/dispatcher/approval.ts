import type { CommitEvent } from '../core/commit-event.ts'
import { roundOf } from '../core/job.ts'
import { isStranger } from '../core/stranger.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Approval, JobRecord } from '../store/records.ts'
import { advancePipeline, type PipelineDraft } from './advance-pipeline.ts'
import { rerunChanges } from './rerun-changes.ts'

/**
 * Whoever can open a pull request can have its code and its `narwhal.yml` run. Secrets are given to
 * that only once somebody has looked at it: of one pipeline, and so of one commit and one plan.
 */
export function lacksApproval(
  trust: CommitEvent['trust'],
  { spec }: JobRecord,
  approval: Approval | undefined,
): boolean {
  return spec.secrets !== undefined && !isApproved(trust, approval)
}

/** Whether a pipeline's jobs may have what strangers may not. */
export function isApproved(trust: CommitEvent['trust'], approval: Approval | undefined): boolean {
  return !isStranger(trust) || approval?.status === 'given'
}

/** Ends a job that waits for a runner, for a reason; `needsApproval` if that would help. */
export function bar(
  draft: PipelineDraft,
  { id }: JobRecord,
  { reason, needsApproval, at }: { reason: string; needsApproval: boolean; at: number },
): PipelineDraft {
  const barred = advancePipeline(draft, [{ jobId: id, event: { type: 'barred', reason, at } }], at)
  if (barred === draft || !needsApproval) return barred
  return { ...barred, pipeline: { ...barred.pipeline, approval: { status: 'needed' } } }
}

/**
 * Approves a pipeline and has the jobs run that were ended for want of it. Returns the draft itself
 * where it is approved already. Throws `conflict` where there is nothing to approve.
 */
export function approve(
  draft: PipelineDraft,
  trust: CommitEvent['trust'],
  { at, by }: { at: number; by?: string | undefined },
): PipelineDraft {
  const { pipeline, jobs } = draft
  if (pipeline.approval?.status === 'given') return draft
  if (!isStranger(trust)) {
    const words = "it needs no approval: its commit is no stranger's"
    throw new NarwhalError('conflict', words)
  }
  if (jobs.some(({ state }) => state.status === 'finished' && state.outcome === 'cancelled')) {
    throw new NarwhalError('conflict', 'it was cancelled: run it again, and approve that')
  }
  const approval: Approval = { status: 'given', at, ...(by === undefined ? {} : { by }) }
  const approved = { jobs, pipeline: { ...pipeline, approval } }
  return advancePipeline(
    approved,
    rerunChanges(jobs, jobs.filter(wasBarred), { at, askedBy: by }),
    at,
  )
}

/** Jobs that name secrets, or ask for id tokens, and have ended before a runner was chosen. */
function wasBarred({ spec, state, attempts }: JobRecord): boolean {
  return (
    (spec.secrets !== undefined || spec.idTokens !== undefined) &&
    state.status === 'finished' &&
    state.outcome === 'error' &&
    attempts.every(({ number }) => number < roundOf(state))
  )
}
