import {
  type PipelineNews,
  type PipelineState,
  startPipelineState,
  withNews,
} from '../../contract/live/pipeline-state.ts'
import type { PipelineWithJobs } from '../../contract/rest/rest.ts'
import type { AttemptView, JobView, LogLine, StepView } from '../../contract/rest/views.ts'
import type { JobId } from '../../core/ids.ts'
import type { Outcome } from '../../core/outcome.ts'

/** The last log lines of an attempt, per step. */
export interface LogTail {
  readonly attempt: number
  /** The number of the newest line; -1 for none. */
  readonly last: number
  readonly steps: ReadonlyMap<number, readonly LogLine[]>
}

/** The state of one pipeline, with the ends of its logs. */
export interface PipelineModel extends PipelineState {
  readonly logs: ReadonlyMap<JobId, LogTail>
}

export type ModelEvent = PipelineNews

/** Lines kept per step. */
export const TAIL_LINES = 20

export function startModel(snapshot: PipelineWithJobs): PipelineModel {
  return { ...startPipelineState(snapshot), logs: new Map() }
}

/** Applies one event; returns the same object if it changes nothing. */
export function reducePipeline(model: PipelineModel, event: ModelEvent): PipelineModel {
  return event.type === 'log.appended' ? withLines(model, event) : withNews(model, event)
}

function withLines(
  model: PipelineModel,
  event: { jobId: JobId; attempt: number; lines: readonly LogLine[] },
): PipelineModel {
  const known = model.logs.get(event.jobId)
  if (known && known.attempt > event.attempt) return model
  const tail: LogTail =
    known?.attempt === event.attempt
      ? known
      : { attempt: event.attempt, last: -1, steps: new Map() }
  const fresh = event.lines.filter((line) => line.number > tail.last)
  const newest = fresh.at(-1)
  if (!newest) return model
  const steps = new Map(tail.steps)
  // Only the last lines are kept.
  for (const [step, lines] of Map.groupBy(fresh, (line) => line.step)) {
    const before = lines.length >= TAIL_LINES ? [] : (steps.get(step) ?? [])
    steps.set(step, [...before, ...lines].slice(-TAIL_LINES))
  }
  const next = { attempt: event.attempt, last: newest.number, steps }
  return { ...model, logs: new Map(model.logs).set(event.jobId, next) }
}

/** The job's current attempt; undefined until it has been assigned. */
export function currentAttempt(job: JobView): AttemptView | undefined {
  return job.attempts.find((attempt) => attempt.number === job.attempt)
}

export interface FailedStep {
  readonly job: JobView
  readonly step: StepView
  /** The end of its log, as far as received. */
  readonly tail: readonly LogLine[]
}

const BAD: readonly (Outcome | undefined)[] = ['failure', 'error', 'timeout']

/** The failed steps, in order. */
export function failedSteps(model: PipelineModel): FailedStep[] {
  return [...model.jobs.values()].flatMap((job) => {
    const steps = currentAttempt(job)?.steps ?? []
    return steps
      .filter((step) => BAD.includes(step.outcome))
      .map((step) => ({ job, step, tail: tailOf(model, job, step.index) }))
  })
}

/** The last log lines of a step of the current attempt. */
export function tailOf(model: PipelineModel, job: JobView, step: number): readonly LogLine[] {
  const tail = model.logs.get(job.id)
  return tail?.attempt === job.attempt ? (tail.steps.get(step) ?? []) : []
}
