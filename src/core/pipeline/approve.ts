import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { CommitEvent } from '../commit-event.ts'
import type { Job } from '../job/job.ts'
import { roundOf } from '../job/job-state.ts'
import { isStranger } from '../stranger/stranger.ts'
import { advancePipeline, type PipelineDraft } from './advance-pipeline.ts'
import { type Approval, isApproved, isHeldBack } from './approval.ts'
import { rerunChanges } from './rerun-changes.ts'

/** What somebody has looked at who approves. */
export interface Approved {
  /** The commit that they were shown. */
  readonly sha: string
  /** The digest of the plan that they were shown, if they were. */
  readonly plan?: string | undefined
  readonly at: number
  readonly by?: string | undefined
}

/**
 * Whoever can open a pull request can have its code and its `narwhal.yml` run. Secrets are given to
 * that only once somebody has looked at it: of one pipeline, and so of one commit and one plan.
 */
export function lacksApproval(
  trust: CommitEvent['trust'],
  { spec }: Job,
  approval: Approval | undefined,
): boolean {
  return spec.secrets !== undefined && !isApproved(trust, approval)
}

/**
 * Approves a pipeline and has run what waited for it, or was ended for want of it. Returns the draft
 * itself where it is approved already. Throws `conflict` where there is nothing to approve, and where
 * something else was looked at.
 */
export function approve(
  draft: PipelineDraft,
  { trust, sha }: Pick<CommitEvent, 'trust' | 'sha'>,
  approved: Approved,
): PipelineDraft {
  const { pipeline, jobs } = draft
  const { at, by } = approved
  if (!isStranger(trust)) {
    const words = "it needs no approval: its commit is no stranger's"
    throw new NarwhalError('conflict', words)
  }
  requireSeen({ sha, plan: pipeline.approval?.plan }, approved)
  if (pipeline.approval?.status === 'given') return draft
  if (jobs.some(({ state }) => state.status === 'finished' && state.outcome === 'cancelled')) {
    throw new NarwhalError('conflict', 'it was cancelled: run it again, and approve that')
  }
  const plan = pipeline.approval?.plan
  const approval: Approval = {
    status: 'given',
    at,
    ...present({ by, plan }),
  }
  const isHeld = isHeldBack(pipeline) && pipeline.state.status === 'running'
  // Its time begins now.
  const begun = isHeld ? ({ state: { status: 'running', startedAt: at } } as const) : {}
  return advancePipeline(
    { jobs, pipeline: { ...pipeline, approval, ...begun } },
    rerunChanges(jobs, jobs.filter(wasBarred), { at, askedBy: by }),
    at,
  )
}

/** Nobody is to approve what they have not seen: a push may have come while they were reading. */
function requireSeen(is: { sha: string; plan: string | undefined }, seen: Approved): void {
  if (seen.sha !== is.sha) {
    const words = `it is of commit ${is.sha}, and what was looked at is ${seen.sha}: look at it anew, then approve that`
    throw new NarwhalError('conflict', words)
  }
  if (seen.plan !== undefined && is.plan !== undefined && seen.plan !== is.plan) {
    const words = `its plan is ${is.plan}, and what was looked at is ${seen.plan}: look at it anew, then approve that`
    throw new NarwhalError('conflict', words)
  }
}

/** It is not waited for any more; whoever has its page can approve it all the same. */
export function withoutWaiting(draft: PipelineDraft): PipelineDraft {
  const { approval } = draft.pipeline
  if (approval?.status !== 'needed' || approval.since === undefined) return draft
  const { since: _since, ...rest } = approval
  return { ...draft, pipeline: { ...draft.pipeline, approval: rest } }
}

/** Jobs that name secrets, or ask for id tokens, and have ended before a runner was chosen. */
function wasBarred({ spec, state, attempts }: Job): boolean {
  return (
    (spec.secrets !== undefined || spec.idTokens !== undefined) &&
    state.status === 'finished' &&
    state.outcome === 'error' &&
    attempts.every(({ number }) => number < roundOf(state))
  )
}

/** Of what was waited for in vain the pipeline itself says why: no job of it has ever run. */
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
