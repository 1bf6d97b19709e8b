import { present } from '../../lib/present.ts'
import type { Attempt, Step } from '../attempt/attempt.ts'
import type { JobId } from '../ids.ts'
import { type Job, outputsOf } from '../job/job.ts'
import { advanceJob, type JobEvent, type JobState } from '../job/job-state.ts'
import type { Outcome } from '../outcome.ts'
import { dueEvents, type GraphJob, pipelineOutcome } from '../plan/graph.ts'
import { targetJobs } from '../plan/target-jobs.ts'
import { isHeldBack } from './approval.ts'
import type { Pipeline } from './pipeline.ts'

/** A pipeline and its jobs, as stored or about to be written. */
export interface PipelineDraft {
  readonly pipeline: Pipeline
  readonly jobs: readonly Job[]
}

/** A change to one job: an event, a newer version of an attempt, or both. */
export interface JobChange {
  readonly jobId: JobId
  readonly event?: JobEvent
  readonly attempt?: Attempt
  /** The new fencing token, if one is issued. */
  readonly fence?: number
}

/**
 * Applies changes to a pipeline, and everything that follows from them: jobs become ready or are skipped,
 * attempts end with their job, the pipeline ends. Pure; unchanged parts stay the same objects, and if nothing
 * applies the draft itself is returned.
 */
export function advancePipeline(
  draft: PipelineDraft,
  changes: readonly JobChange[],
  at: number,
): PipelineDraft {
  let jobs = draft.jobs
  for (const change of changes) jobs = applyChange(jobs, change, at)
  jobs = applyDue(draft.pipeline, jobs, at)
  if (jobs === draft.jobs) return draft
  return { pipeline: advanceState(draft.pipeline, jobs, at), jobs }
}

/** The pipeline with all that follows from its jobs, however they came about. */
export function settlePipeline({ pipeline, jobs }: PipelineDraft, at: number): PipelineDraft {
  const settled = applyDue(pipeline, jobs, at)
  return { pipeline: advanceState(pipeline, settled, at), jobs: settled }
}

/** Nothing becomes ready before the run is approved. */
function applyDue(pipeline: Pipeline, jobs: readonly Job[], at: number): readonly Job[] {
  let settled = jobs
  while (!isHeldBack(pipeline)) {
    const due = dueEvents(settled.map(toGraphJob), at)
    if (due.length === 0) break
    for (const { job, event } of due) settled = applyChange(settled, { jobId: job.id, event }, at)
  }
  return settled
}

function toGraphJob(job: Job): GraphJob & { readonly id: JobId } {
  const { id, spec, state } = job
  const { name, needs, runsOn, allowFailure, onlyIf, optional } = spec
  const outputs = outputsOf(job)
  return {
    id,
    name,
    needs,
    ...present({ runsOn, allowFailure, onlyIf, optional, outputs }),
    state,
  }
}

function applyChange(jobs: readonly Job[], change: JobChange, at: number): readonly Job[] {
  const index = jobs.findIndex((job) => job.id === change.jobId)
  const job = jobs[index]
  if (!job) return jobs
  const state = change.event ? advanceJob(job.state, change.event) : job.state
  // If the event no longer applies, its attempt is dropped too: both came from a stale report.
  if (change.event && state === job.state) return jobs
  const attempts = change.attempt ? withAttempt(job.attempts, change.attempt) : job.attempts
  const settled = settleAttempts(attempts, state, change.event, at)
  if (state === job.state && settled === job.attempts) return jobs
  return jobs.with(index, { ...job, state, attempts: settled, fence: change.fence ?? job.fence })
}

function withAttempt(attempts: readonly Attempt[], attempt: Attempt): readonly Attempt[] {
  const index = attempts.findIndex(({ number }) => number === attempt.number)
  if (index === -1) return [...attempts, attempt]
  return attempts[index] === attempt ? attempts : attempts.with(index, attempt)
}

/** Ends the attempts that can't continue: all if the job has finished, earlier ones if it is retried. */
function settleAttempts(
  attempts: readonly Attempt[],
  state: JobState,
  event: JobEvent | undefined,
  at: number,
): readonly Attempt[] {
  const ended = (attempt: Attempt): boolean =>
    attempt.status === 'finished' ||
    (state.status !== 'finished' && attempt.number >= state.attempt)
  if (attempts.every(ended)) return attempts
  const end: { outcome: Outcome; reason: string } =
    state.status === 'finished'
      ? { outcome: state.outcome, reason: state.reason ?? '' }
      : { outcome: 'error', reason: event?.type === 'lost' ? event.reason : 'the runner was lost' }
  return attempts.map((attempt) => (ended(attempt) ? attempt : endAttempt(attempt, end, at)))
}

function endAttempt(
  attempt: Attempt,
  end: { outcome: Outcome; reason: string },
  at: number,
): Attempt {
  return {
    ...attempt,
    status: 'finished',
    outcome: end.outcome,
    ...present({ reason: end.reason || undefined }),
    finishedAt: at,
    steps: attempt.steps.map((step) => endStep(step, end.outcome, at)),
  }
}

function endStep(step: Step, outcome: Outcome, at: number): Step {
  switch (step.status) {
    case 'finished':
      return step
    case 'running':
      return { ...step, status: 'finished', outcome, finishedAt: at }
    case 'waiting':
      return { ...step, status: 'finished', outcome: 'skipped' }
  }
}

function advanceState(pipeline: Pipeline, jobs: readonly Job[], at: number): Pipeline {
  const outcome = pipelineOutcome(jobs.map(toGraphJob))
  const { state } = pipeline
  if (outcome !== undefined) {
    if (state.status === 'finished') return pipeline
    const startedAt = state.status === 'running' ? { startedAt: state.startedAt } : {}
    const target = pipeline.target && {
      target: targetJobs(pipeline.target, {
        isSkipped: outcome === 'skipped',
        failed: jobs.filter(hasFailedUncounted).map(({ spec }) => spec.name),
      }),
    }
    const ended = { status: 'finished', outcome, ...startedAt, finishedAt: at } as const
    return { ...pipeline, ...target, state: ended }
  }
  if (state.status !== 'finished') return pipeline
  return { ...pipeline, state: { status: 'running', startedAt: at } }
}

/** Whether it failed but may, by its file. */
function hasFailedUncounted({ spec, state }: Job): boolean {
  if (!spec.allowFailure || state.status !== 'finished') return false
  return state.outcome === 'failure' || state.outcome === 'timeout'
}
