import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { factsOf } from '../../contract/rpc/event-facts.ts'
import type { IncludeSource } from '../../contract/rpc/include-source.ts'
import { saysMissing } from '../../contract/rpc/missing-commit.ts'
import type { PlannedCommit, PlannedFile, PlanOrder } from '../../contract/rpc/planned-commit.ts'
import { isBrokenLink } from '../../contract/rpc/rpc.ts'
import type { Phase } from '../../core/attempt/attempt.ts'
import type { CommitEvent, EventDetails } from '../../core/commit-event.ts'
import type { Concurrency } from '../../core/concurrency/concurrency.ts'
import type { Job } from '../../core/job/job.ts'
import type { JobState } from '../../core/job/job-state.ts'
import type { PipelineDraft } from '../../core/pipeline/advance-pipeline.ts'
import { endPipeline } from '../../core/pipeline/commands.ts'
import { NO_FILE } from '../../core/pipeline/no-file.ts'
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
import { openGitCredentials } from '../../vault/git-credentials.ts'
import type { Vault } from '../../vault/vault.ts'
import type { PipelineLedger } from '../ledger/pipeline-ledger.ts'
import type { RunnerLink } from '../runners/runner-link.ts'
import type { RunnerPool } from '../runners/runner-pool.ts'
import { planDigest } from './plan-digest.ts'

/** How often planning may fail before the pipeline ends in `error`. */
const MAX_FAILURES = 3
/** For how long a new commit may be missing at the git server: a replica of it may be behind. */
const INVISIBLE_MS = 60_000
/** An older event's commit isn't about to become visible. */
const NEW_MS = 600_000

/** The commit of a pipeline, as sent to runners. Throws as `Vault.open` does. */
export function commitOf(
  { event, repository }: Pick<PipelineLedger, 'event' | 'repository'>,
  vault: Vault,
): CommitSource {
  return {
    repositoryId: repository.id,
    repositoryName: repository.name,
    cloneUrl: repository.cloneUrl,
    ref: event.ref,
    sha: event.sha,
    isStranger: isStranger(event.trust),
    ...present({ credentials: openGitCredentials(vault, repository) }),
  }
}

/** The request to plan a pipeline; `found` adds what the event lacks. Throws as `Vault.open` does. */
export function planOrderOf(
  ledger: Pick<PipelineLedger, 'event' | 'repository'>,
  { vault, sources }: { readonly vault: Vault; readonly sources: readonly IncludeSource[] },
  found: Pick<EventDetails, 'base' | 'targetBranch' | 'request'> = {},
): PlanOrder {
  const { event } = ledger
  const { base, targetBranch, request } = found
  const details = { ...event.details, ...present({ base, targetBranch, request }) }
  return { commit: commitOf(ledger, vault), facts: factsOf({ ...event, details }), sources }
}

export interface PlannedOnRunner {
  readonly planned: PlannedCommit
  /** When the request was sent to the runner; epoch milliseconds. */
  readonly askedAt: number
  readonly answeredAt: number
}

/** Has one runner plan the commit. Rejects with the runner's message. */
export async function planBy(
  { client }: Pick<RunnerLink, 'client'>,
  order: PlanOrder,
  signal: AbortSignal,
): Promise<PlannedOnRunner> {
  const askedAt = Date.now()
  const planned = await client.planCommit(order, signal)
  return { planned, askedAt, answeredAt: Date.now() }
}

/** Whether planning failed by the runner's trouble or the git server's, and not the commit's. */
export function isPassing({ code }: NarwhalError): boolean {
  return code === 'unavailable' || code === 'exhausted' || code === 'cancelled'
}

export interface Waiting {
  /** Reports why the pipeline waits. */
  readonly onWait: (reason: string) => void
  /** For how long the commit may be missing at the git server, in milliseconds; 0 by default. */
  readonly invisibleMs?: number
}

/** For how long the commit of an event may be missing at the git server, in milliseconds. */
export function invisibleMsOf(
  { source, receivedAt }: Pick<CommitEvent, 'source' | 'receivedAt'>,
  now: number,
): number {
  // Whoever started it by hand is waiting for the answer.
  return source === 'manual' || now - receivedAt > NEW_MS ? 0 : INVISIBLE_MS
}

/**
 * Has a runner plan the commit. While none is available, waits and reports why by `onWait`; retries elsewhere
 * if a runner is lost, and while the git server may not have the commit yet; rejects with the runner's message if
 * the commit can't be planned.
 */
export async function planOnRunner(
  pool: Pick<RunnerPool, 'plannerWaits'>,
  order: PlanOrder,
  signal: AbortSignal,
  { onWait, invisibleMs = 0 }: Waiting,
): Promise<PlannedOnRunner> {
  const { sha } = order.commit
  let missingSince: number | undefined
  for (let failures = 0, misses = 0; ; ) {
    const link = await pool.plannerWaits.wait(signal, onWait)
    try {
      return await planBy(link, order, signal)
    } catch (reason) {
      signal.throwIfAborted()
      const error = NarwhalError.from(reason)
      if (!isPassing(error)) throw error
      if (invisibleMs > 0 && saysMissing(error.message, sha)) {
        missingSince ??= performance.now()
        if (performance.now() - missingSince >= invisibleMs) throw stillMissing(error, invisibleMs)
        onWait(`the git server doesn't have ${sha.slice(0, 7)} yet: trying again for a minute`)
        // No runner is busy with it meanwhile.
        await backoff(misses++, { firstMs: 500, maxMs: 8_000 }, signal)
        continue
      }
      // An unreachable runner says nothing about the commit.
      const isAnswer = link.record.state === 'online' && !isBrokenLink(error)
      if (isAnswer && ++failures >= MAX_FAILURES) throw error
      await backoff(failures, { firstMs: 200, maxMs: 2_000 }, signal)
    }
  }
}

function stillMissing(error: NarwhalError, afterMs: number): NarwhalError {
  const words = `${error.message}; it still was not ${Math.round(afterMs / 1000)} s later: check that the clone URL is that of the repository which reported it`
  return new NarwhalError(error.code, words, { cause: error })
}

/** A plan that was requested before its pipeline was created. */
export interface EarlyPlan {
  /** Undefined if it failed: then the pipeline is planned in the usual way. Never rejects. */
  readonly answer: Promise<PlannedOnRunner | undefined>
  readonly stop: AbortController
}

/**
 * Has a runner plan the commit, if one is online, while its pipeline is still being stored: the fetch takes
 * longer than that, and does no harm if the pipeline turns out to exist already.
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
    return order && link && (await planBy(link, order, either))
  }
  return { answer: ask().catch(() => undefined), stop }
}

/** What is decided about a plan besides its contents. */
export interface PlanRules {
  readonly at: number
  readonly isStranger: boolean
  /** It was started by a person. */
  readonly isManual: boolean
  /** A person waits for it, and is to see that there is nothing to run. */
  readonly isAsked: boolean
  /** Why it needs approval before it runs; undefined: it runs. */
  readonly wait: WaitReason | undefined
}

/** The pipeline with the jobs of its plan, those without needs queued; ended if nothing can be run. */
export function withPlan(
  draft: PipelineDraft,
  plan: PlannedOnRunner,
  rules: PlanRules,
): PipelineDraft {
  const { at, isStranger, isManual, wait } = rules
  const { pipeline } = draft
  const { planned } = plan
  const plannedPhases = [...pipeline.phases, ...planPhases(pipeline, plan)]
  if (!planned.file.ok) {
    const ended = withoutPlan(pipeline, { ...planned, file: planned.file }, rules)
    return { jobs: draft.jobs, pipeline: { ...ended, phases: plannedPhases } }
  }
  const wanted = isStranger ? inGroupsOfStrangers(planned.file.plan) : planned.file.plan
  const { name, concurrency, included } = wanted
  const state = stateOf(wanted, at)
  const isHeld = wait !== undefined && state.status === 'running'
  const { startedBy: by } = pipeline
  // The person who starts it manually could approve it, and needn't do so again.
  const isVouched = isManual && !isStranger && by !== undefined && state.status === 'running'
  return {
    pipeline: {
      ...pipeline,
      name,
      ...present({ concurrency, included }),
      phases: plannedPhases,
      state,
      ...present({
        target: isStranger ? targetOf(planned, state) : undefined,
        changed: planned.changed && readableFiles(planned.changed),
      }),
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

/** The end of a pipeline whose file is missing or has problems. */
function withoutPlan(
  pipeline: Pipeline,
  planned: PlannedCommit & { readonly file: Extract<PlannedFile, { ok: false }> },
  { at, isStranger, isAsked }: PlanRules,
): Pipeline {
  const { problems, isMissing } = planned.file
  if (isMissing && !isAsked) {
    const end = { outcome: 'skipped', reason: NO_FILE, finishedAt: at } as const
    const state = { status: 'finished', ...end } as const
    return {
      ...pipeline,
      state,
      ...present({ target: isStranger ? targetOf(planned, state) : undefined }),
    }
  }
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  const end = { outcome: 'error', reason: `narwhal.yml has ${count}` } as const
  return { ...endPipeline(pipeline, end, at), problems }
}

/** Without a known target nothing can be compared; but a pipeline that runs nothing proves nothing. */
function targetOf({ target }: PlannedCommit, state: Pipeline['state']): TargetJobs {
  const none = { missing: [], mayFail: [], runsNothing: false }
  return targetJobs(target ?? none, { isSkipped: state.status === 'finished', failed: [] })
}

/** Strangers share no group with the repository's own people: they could block a deploy. */
function inGroupsOfStrangers(plan: PipelinePlan): PipelinePlan {
  const own = <Part extends { readonly concurrency?: Concurrency }>(part: Part): Part =>
    part.concurrency ? { ...part, concurrency: { ...part.concurrency, ofStrangers: true } } : part
  return { ...own(plan), jobs: plan.jobs.map(own) }
}

/** Durations are the runner's, counted back from the arrival of its answer: its clock doesn't matter. */
function planPhases(
  { createdAt }: Pipeline,
  { planned, askedAt, answeredAt: at }: PlannedOnRunner,
): Phase[] {
  const { fetchMs, parseMs, note } = planned
  return [
    { name: 'place', startedAt: createdAt, durationMs: Math.max(0, askedAt - createdAt) },
    { name: 'fetch', startedAt: at - parseMs - fetchMs, durationMs: fetchMs },
    { name: 'plan', startedAt: at - parseMs, durationMs: parseMs, ...present({ note }) },
  ]
}

/** Finished at once if nothing is run for this commit. */
function stateOf({ jobs }: PipelinePlan, at: number): Pipeline['state'] {
  if (jobs.some(({ leftOut }) => leftOut === undefined)) return { status: 'running', startedAt: at }
  const reason = `no job in narwhal.yml runs for this commit${whyNothing(jobs)}`
  return { status: 'finished', outcome: 'skipped', reason, finishedAt: at }
}

/** Shown at the forge, where people look for the paths or branch that did not match. */
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
