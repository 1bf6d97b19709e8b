import type { JobId } from '../../core/ids.ts'
import type { PipelineWithJobs } from '../rest/rest.ts'
import type { JobView, PipelineView } from '../rest/views.ts'
import type { LiveEvent } from './live-event.ts'

/** A client's state of one pipeline: an initial read, kept up to date by events. */
export interface PipelineState {
  readonly pipeline: PipelineView
  /** In the plan's order. */
  readonly jobs: ReadonlyMap<JobId, JobView>
  /** The last applied state change of each subject, by id; older ones are stale. */
  readonly seqs: ReadonlyMap<string, number>
}

/** A live event, or a snapshot from REST. */
export type PipelineNews = LiveEvent | ({ readonly type: 'snapshot' } & PipelineWithJobs)

export function startPipelineState(snapshot: PipelineWithJobs): PipelineState {
  const { pipeline, seq } = snapshot
  const empty = { pipeline, jobs: new Map(), seqs: new Map([[pipeline.id, seq]]) }
  return withNews(empty, { type: 'snapshot', ...snapshot })
}

/** Applies one event; returns the same object if it is stale or irrelevant. */
export function withNews<State extends PipelineState>(state: State, news: PipelineNews): State {
  switch (news.type) {
    case 'snapshot':
      return news.jobs.reduce(
        (next, job) => withJob(next, job, news.seq),
        withPipeline(state, news.pipeline, news.seq),
      )
    case 'pipeline.changed':
      return withPipeline(state, news.pipeline, news.seq)
    case 'job.changed':
      return withJob(state, news.job, news.seq)
    case 'log.appended':
    case 'runner.changed':
    case 'runner.sampled':
      return state
  }
}

function isNews({ seqs }: PipelineState, id: string, seq: number): boolean {
  return seq >= (seqs.get(id) ?? 0)
}

function withPipeline<State extends PipelineState>(
  state: State,
  pipeline: PipelineView,
  seq: number,
): State {
  if (pipeline.id !== state.pipeline.id || !isNews(state, pipeline.id, seq)) return state
  return { ...state, pipeline, seqs: new Map(state.seqs).set(pipeline.id, seq) }
}

function withJob<State extends PipelineState>(state: State, job: JobView, seq: number): State {
  if (job.pipelineId !== state.pipeline.id || !isNews(state, job.id, seq)) return state
  return {
    ...state,
    jobs: new Map(state.jobs).set(job.id, job),
    seqs: new Map(state.seqs).set(job.id, seq),
  }
}
