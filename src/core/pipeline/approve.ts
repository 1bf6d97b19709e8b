import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { CommitEvent } from '../commit-event.ts'
import type { Job } from '../job/job.ts'
import { roundOf } from '../job/job-state.ts'
import { isStranger } from '../stranger/stranger.ts'
import { advancePipeline, type PipelineDraft } from './advance-pipeline.ts'
import { type Approval, isApproved, isHeldBack } from './approval.ts'
import { rerunChanges } from './rerun-changes.ts'

/** What the approving user has reviewed. */
export interface Approved {
  /** The commit that they saw. */
  readonly sha: string
  /** The digest of the plan that they saw, if they did. */
  readonly plan?: string | undefined
  readonly at: number
  readonly by?: string | undefined
}

/**
 * Anyone who can open a pull request can have its code and its `narwhal.yml` run. It gets secrets only after
 * somebody has reviewed it: one pipeline, and so one commit and one plan.
 */
export function lacksApproval(
  trust: CommitEvent['trust'],
  { spec }: Job,
  approval: Approval | undefined,
): boolean {
  return spec.secrets !== undefined && !isApproved(trust, approval)
}

/**
 * Approves a pipeline and runs what waited for the approval, or ended for lack of it. Returns the draft
 * itself if it is approved already. Throws `conflict` if there is nothing to approve, or something else was
 * reviewed.
 */
export function approve(
  draft: PipelineDraft,
  { trust, sha }: Pick<CommitEvent, 'trust' | 'sha'>,
  approved: Approved,
): PipelineDraft {
  const { pipeline, jobs } = draft
  const { at, by } = approved
  if (!isStranger(trust)) {
    throw new NarwhalError('conflict', "it needs no approval: its commit is not a stranger's")
  }
  requireSeen({ sha, plan: pipeline.approval?.plan }, approved)
  if (pipeline.approval?.status === 'given') return draft
  if (jobs.some(({ state }) => state.status === 'finished' && state.outcome === 'cancelled')) {
    throw new NarwhalError('conflict', 'it was cancelled: run it again, then approve that run')
  }
  const plan = pipeline.approval?.plan
  const approval: Approval = { status: 'given', at, ...present({ by, plan }) }
  const isHeld = isHeldBack(pipeline) && pipeline.state.status === 'running'
  // Its duration counts from now.
  const begun = isHeld ? ({ state: { status: 'running', startedAt: at } } as const) : {}
  return advancePipeline(
    { jobs, pipeline: { ...pipeline, approval, ...begun } },
    rerunChanges(jobs, jobs.filter(wasBarred), { at, askedBy: by }),
    at,
  )
}

/** Nobody must approve what they haven't seen: a push may arrive while they review. */
function requireSeen(is: { sha: string; plan: string | undefined }, seen: Approved): void {
  if (seen.sha !== is.sha) {
    const words = `it is for commit ${is.sha}, but ${seen.sha} was reviewed: review it again, then approve it`
    throw new NarwhalError('conflict', words)
  }
  if (seen.plan !== undefined && is.plan !== undefined && seen.plan !== is.plan) {
    const words = `its plan is ${is.plan}, but ${seen.plan} was reviewed: review it again, then approve it`
    throw new NarwhalError('conflict', words)
  }
}

/** Stops waiting for the approval; it can still be approved on its page. */
export function withoutWaiting(draft: PipelineDraft): PipelineDraft {
  const { approval } = draft.pipeline
  if (approval?.status !== 'needed' || approval.since === undefined) return draft
  const { since: _since, ...rest } = approval
  return { ...draft, pipeline: { ...draft.pipeline, approval: rest } }
}

/** Jobs that name secrets or id tokens and ended before a runner was chosen. */
function wasBarred({ spec, state, attempts }: Job): boolean {
  return (
    (spec.secrets !== undefined || spec.idTokens !== undefined) &&
    state.status === 'finished' &&
    state.outcome === 'error' &&
    attempts.every(({ number }) => number < roundOf(state))
  )
}

/** If it was never approved, the pipeline itself has the reason: none of its jobs ran. */
export function withReason(
  before: PipelineDraft,
  after: PipelineDraft,
  reason: string,
): PipelineDraft {
  const { pipeline, jobs } = after
  const { state } = pipeline
  if (after === before || !isHeldBack(before.pipeline) || state.status !== 'finished') return after
  return { jobs, pipeline: { ...pipeline, state: { ...state, reason } } }
}
