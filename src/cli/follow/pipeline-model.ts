import type { LiveEvent } from '../../contract/live/live-event.ts'
import type { PipelineWithJobs } from '../../contract/rest/rest.ts'
import type {
  AttemptView,
  JobView,
  LogLine,
  PipelineView,
  StepView,
} from '../../contract/rest/views.ts'
import type { JobId } from '../../core/ids.ts'
import type { Outcome } from '../../core/outcome.ts'

/** The last lines of an attempt's log, per step. */
export interface LogTail {
  readonly attempt: number
  /** The number of the newest line; -1 for none. */
  readonly last: number
  readonly steps: ReadonlyMap<number, readonly LogLine[]>
}

/** One running pipeline as the terminal knows it. */
export interface PipelineModel {
  readonly pipeline: PipelineView
  /** In the plan's order. */
  readonly jobs: ReadonlyMap<JobId, JobView>
  readonly logs: ReadonlyMap<JobId, LogTail>
  /** Up to which state change each subject is known, by its id; older news of it is stale. */
  readonly seqs: ReadonlyMap<string, number>
}

/** What moves the model: a live event, or the state as REST tells it. */
export type ModelEvent = LiveEvent | ({ readonly type: 'snapshot' } & PipelineWithJobs)

/** How many lines of each step are kept. */
export const TAIL_LINES = 20

export function startModel(snapshot: PipelineWithJobs): PipelineModel {
  const { pipeline, seq } = snapshot
  const empty = { pipeline, jobs: new Map(), logs: new Map(), seqs: new Map([[pipeline.id, seq]]) }
  return reducePipeline(empty, { type: 'snapshot', ...snapshot })
}

/** Moves the model by one event; returns the same object when the event says nothing new. */
export function reducePipeline(model: PipelineModel, event: ModelEvent): PipelineModel {
  switch (event.type) {
    case 'snapshot':
      return event.jobs.reduce(
        (next, job) => withJob(next, job, event.seq),
        withPipeline(model, event.pipeline, event.seq),
      )
    case 'pipeline.changed':
      return withPipeline(model, event.pipeline, event.seq)
    case 'job.changed':
      return withJob(model, event.job, event.seq)
    case 'log.appended':
      return withLines(model, event)
    case 'runner.changed':
    case 'runner.sampled':
      return model
  }
}

function isNews(model: PipelineModel, id: string, seq: number): boolean {
  return seq >= (model.seqs.get(id) ?? 0)
}

function withPipeline(model: PipelineModel, pipeline: PipelineView, seq: number): PipelineModel {
  if (pipeline.id !== model.pipeline.id || !isNews(model, pipeline.id, seq)) return model
  return { ...model, pipeline, seqs: new Map(model.seqs).set(pipeline.id, seq) }
}

function withJob(model: PipelineModel, job: JobView, seq: number): PipelineModel {
  if (job.pipelineId !== model.pipeline.id || !isNews(model, job.id, seq)) return model
  return {
    ...model,
    jobs: new Map(model.jobs).set(job.id, job),
    seqs: new Map(model.seqs).set(job.id, seq),
  }
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
  // Of a long row of lines only the last can stay; each step's are together.
  for (const [step, lines] of Map.groupBy(fresh, (line) => line.step)) {
    const before = lines.length >= TAIL_LINES ? [] : (steps.get(step) ?? [])
    steps.set(step, [...before, ...lines].slice(-TAIL_LINES))
  }
  const next = { attempt: event.attempt, last: newest.number, steps }
  return { ...model, logs: new Map(model.logs).set(event.jobId, next) }
}

/** The attempt that counts; undefined while nobody has run the job's present one. */
export function currentAttempt(job: JobView): AttemptView | undefined {
  return job.attempts.find((attempt) => attempt.number === job.attempt)
}

export interface FailedStep {
  readonly job: JobView
  readonly step: StepView
  /** The end of its log, as far as it is known here. */
  readonly tail: readonly LogLine[]
}

const BAD: readonly (Outcome | undefined)[] = ['failure', 'error', 'timeout']

/** The steps that made the pipeline fail, in order. */
export function failedSteps(model: PipelineModel): FailedStep[] {
  return [...model.jobs.values()].flatMap((job) => {
    const steps = currentAttempt(job)?.steps ?? []
    return steps
      .filter((step) => BAD.includes(step.outcome))
      .map((step) => ({ job, step, tail: tailOf(model, job, step.index) }))
  })
}

/** The last lines of a step of the present attempt. */
export function tailOf(model: PipelineModel, job: JobView, step: number): readonly LogLine[] {
  const tail = model.logs.get(job.id)
  return tail?.attempt === job.attempt ? (tail.steps.get(step) ?? []) : []
}
