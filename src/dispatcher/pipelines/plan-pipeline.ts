import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { factsOf } from '../../contract/rpc/event-facts.ts'
import type { IncludeSource } from '../../contract/rpc/include-source.ts'
import type { PlannedCommit, PlanOrder } from '../../contract/rpc/planned-commit.ts'
import { isBrokenLink } from '../../contract/rpc/rpc.ts'
import type { Phase } from '../../core/attempt/attempt.ts'
import type { EventDetails } from '../../core/commit-event.ts'
import type { Concurrency } from '../../core/concurrency/concurrency.ts'
import type { Job } from '../../core/job/job.ts'
import type { JobState } from '../../core/job/job-state.ts'
import type { PipelineDraft } from '../../core/pipeline/advance-pipeline.ts'
import { endPipeline } from '../../core/pipeline/commands.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'
import type { JobSpec, PipelinePlan } from '../../core/plan/plan.ts'
import { type TargetJobs, targetJobs } from '../../core/plan/target-jobs.ts'
import type { WaitReason } from '../../core/stranger/approval.ts'
import { readableFiles } from '../../core/stranger/changed-files.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import { backoff } from '../../lib/async/backoff.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { newId } from '../../lib/new-id.ts'
import { present } from '../../lib/present.ts'
import type { PipelineLedger } from '../ledger/pipeline-ledger.ts'
import type { RunnerPool } from '../runners/runner-pool.ts'
import { planDigest } from './plan-digest.ts'

/** How often a commit may be unreachable before its pipeline ends in `error`. */
const MAX_FAILURES = 3

/** The commit of a pipeline, as runners are told of it. */
export function commitOf({
  event,
  repository,
}: Pick<PipelineLedger, 'event' | 'repository'>): CommitSource {
  return {
    repositoryId: repository.id,
    repositoryName: repository.name,
    cloneUrl: repository.cloneUrl,
    ref: event.ref,
    sha: event.sha,
    isStranger: isStranger(event.trust),
  }
}

/** What a runner is asked that plans the pipeline; `found`: what the event does not tell. */
export function planOrderOf(
  ledger: Pick<PipelineLedger, 'event' | 'repository'>,
  sources: readonly IncludeSource[],
  found: Pick<EventDetails, 'base' | 'targetBranch'> = {},
): PlanOrder {
  const { event } = ledger
  const { base, targetBranch } = found
  const details = {
    ...event.details,
    ...present({ base, targetBranch }),
  }
  return { commit: commitOf(ledger), facts: factsOf({ ...event, details }), sources }
}

export interface PlannedOnRunner {
  readonly planned: PlannedCommit
  /** When the runner that planned it was asked; epoch milliseconds. */
  readonly askedAt: number
  readonly answeredAt: number
}

/**
 * Has a runner plan the commit. Waits for a runner where none is online, and says what for; tries again elsewhere when
 * one goes away meanwhile; rejects with the runner's words when the commit can't be had.
 */
export async function planOnRunner(
  pool: Pick<RunnerPool, 'plannerWaits'>,
  order: PlanOrder,
  signal: AbortSignal,
  onWait: (reason: string) => void,
): Promise<PlannedOnRunner> {
  for (let failures = 0; ; ) {
    const link = await pool.plannerWaits.wait(signal, onWait)
    const askedAt = Date.now()
    try {
      const planned = await link.client.planCommit(order, signal)
      return { planned, askedAt, answeredAt: Date.now() }
    } catch (reason) {
      signal.throwIfAborted()
      const error = NarwhalError.from(reason)
      if (!['unavailable', 'exhausted', 'cancelled'].includes(error.code)) throw error
      // That the runner can't be reached says nothing about the commit.
      const isAnswer = link.record.state === 'online' && !isBrokenLink(error)
      if (isAnswer && ++failures >= MAX_FAILURES) throw error
      await backoff(failures, { firstMs: 200, maxMs: 2_000 }, signal)
    }
  }
}

/** A runner was asked for a plan before there was a pipeline. */
export interface EarlyPlan {
  /** Undefined when it did not work out: then it is planned in the usual way. Never rejects. */
  readonly answer: Promise<PlannedOnRunner | undefined>
  readonly stop: AbortController
}

/**
 * Has a runner plan the commit, if one is online, while its pipeline is still being written: the fetch
 * takes longer than that, and harms nobody if the pipeline turns out to be there already.
 */
export function planEarly(
  pool: RunnerPool,
  findOrder: () => Promise<PlanOrder | undefined>,
  signal: AbortSignal,
): EarlyPlan {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const ask = async (): Promise<PlannedOnRunner | undefined> => {
    const order = await findOrder()
    const link = pool.findPlanner()
    if (!order || !link) return undefined
    const askedAt = Date.now()
    const planned = await link.client.planCommit(order, either)
    return { planned, askedAt, answeredAt: Date.now() }
  }
  return { answer: ask().catch(() => undefined), stop }
}

/** What is decided about a plan, besides what it says itself. */
export interface PlanRules {
  readonly at: number
  readonly isStranger: boolean
  /** A person has started it. */
  readonly isManual: boolean
  /** Why nothing of it is run before somebody has approved that; undefined: it is run. */
  readonly wait: WaitReason | undefined
}

/** The pipeline with the jobs of its plan, those without needs queued; ended if it can't be run. */
export function withPlan(
  draft: PipelineDraft,
  plan: PlannedOnRunner,
  { at, isStranger, isManual, wait }: PlanRules,
): PipelineDraft {
  const { pipeline } = draft
  const { planned } = plan
  const plannedPhases = [...pipeline.phases, ...planPhases(pipeline, plan)]
  if (!planned.file.ok) {
    const { problems } = planned.file
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    const ended = endPipeline(
      pipeline,
      { outcome: 'error', reason: `narwhal.yml has ${count}` },
      at,
    )
    return { jobs: draft.jobs, pipeline: { ...ended, problems, phases: plannedPhases } }
  }
  const wanted = isStranger ? inGroupsOfStrangers(planned.file.plan) : planned.file.plan
  const { name, concurrency, included } = wanted
  const state = stateOf(wanted, at)
  const isHeld = wait !== undefined && state.status === 'running'
  const { startedBy: by } = pipeline
  // Who starts it by hand might approve it, and is not asked twice.
  const isVouched = isManual && !isStranger && by !== undefined && state.status === 'running'
  return {
    pipeline: {
      ...pipeline,
      name,
      ...present({ concurrency, included }),
      phases: plannedPhases,
      state,
      ...(isStranger ? { target: targetOf(planned, state) } : {}),
      ...(planned.changed ? { changed: readableFiles(planned.changed) } : {}),
      ...(isVouched ? { approval: { status: 'given', at, by, plan: planDigest(wanted) } } : {}),
      ...(isHeld
        ? {
            approval: {
              status: 'needed',
              for: 'run',
              since: at,
              plan: planDigest(wanted),
              ...wait,
            },
          }
        : {}),
    },
    jobs: jobsOf(wanted, pipeline, { at, isHeld }),
  }
}

/** Where no target is known, there is nothing to compare with, but to run nothing shows nothing. */
function targetOf({ target }: PlannedCommit, state: Pipeline['state']): TargetJobs {
  const none = { missing: [], mayFail: [], runsNothing: false }
  return targetJobs(target ?? none, { isSkipped: state.status === 'finished', failed: [] })
}

/** Strangers share no group with the repository's own people: they would hold up a deploy. */
function inGroupsOfStrangers(plan: PipelinePlan): PipelinePlan {
  const own = <Part extends { readonly concurrency?: Concurrency }>(part: Part): Part =>
    part.concurrency ? { ...part, concurrency: { ...part.concurrency, ofStrangers: true } } : part
  return { ...own(plan), jobs: plan.jobs.map(own) }
}

/** The runner's own times end when its answer is here: its clock is not asked. */
function planPhases(
  { createdAt }: Pipeline,
  { planned, askedAt, answeredAt: at }: PlannedOnRunner,
): Phase[] {
  const { fetchMs, parseMs } = planned
  return [
    { name: 'place', startedAt: createdAt, durationMs: Math.max(0, askedAt - createdAt) },
    { name: 'fetch', startedAt: at - parseMs - fetchMs, durationMs: fetchMs },
    { name: 'plan', startedAt: at - parseMs, durationMs: parseMs },
  ]
}

/** A pipeline of which nothing is run for this commit has ended. */
function stateOf({ jobs }: PipelinePlan, at: number): Pipeline['state'] {
  if (jobs.some(({ leftOut }) => leftOut === undefined)) return { status: 'running', startedAt: at }
  const reason = `nothing in narwhal.yml is run for this commit${whyNothing(jobs)}`
  return { status: 'finished', outcome: 'skipped', reason, finishedAt: at }
}

/** The forge shows it: what one looks for there is the paths, or the branch, that it is not for. */
function whyNothing(jobs: PipelinePlan['jobs']): string {
  const reasons = [...new Set(jobs.map(({ leftOut = '' }) => leftOut))]
  const [first = ''] = reasons
  if (first === '') return ''
  return `: ${first}${reasons.length > 1 ? `, and ${reasons.length - 1} more reasons` : ''}`
}

interface Beginning {
  readonly at: number
  readonly isHeld: boolean
}

function jobsOf(plan: PipelinePlan, pipeline: Pipeline, how: Beginning): Job[] {
  return plan.jobs.map((spec, position) => {
    return {
      id: newId('job'),
      pipelineId: pipeline.id,
      repositoryId: pipeline.repositoryId,
      position,
      spec,
      state: firstState(spec, how),
      fence: 0,
      attempts: [],
      version: 0,
    }
  })
}

function firstState({ needs, leftOut }: JobSpec, { at, isHeld }: Beginning): JobState {
  if (leftOut !== undefined) {
    return { status: 'finished', attempt: 1, outcome: 'skipped', reason: leftOut, finishedAt: at }
  }
  if (isHeld || needs.length > 0) return { status: 'blocked', attempt: 1 }
  return { status: 'queued', attempt: 1, queuedAt: at }
}
