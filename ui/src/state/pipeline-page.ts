import type { PipelineWithJobs } from '../../../src/contract/rest/rest.ts'
import type { JobView, PipelineView } from '../../../src/contract/rest/views.ts'
import type { SubjectAction } from '../live/use-subject.ts'

/** One pipeline with its jobs in the order of the file. */
export interface PipelinePageState {
  readonly pipeline: PipelineView | undefined
  readonly jobs: readonly JobView[]
}

export const NO_PIPELINE: PipelinePageState = { pipeline: undefined, jobs: [] }

export function reducePipelinePage(
  state: PipelinePageState,
  action: SubjectAction<PipelineWithJobs>,
): PipelinePageState {
  switch (action.type) {
    case 'loaded':
      return { pipeline: action.loaded.pipeline, jobs: action.loaded.jobs }
    case 'pipeline.changed':
      if (action.pipeline.id !== state.pipeline?.id) return state
      return { ...state, pipeline: action.pipeline }
    case 'job.changed':
      if (action.job.pipelineId !== state.pipeline?.id) return state
      return { ...state, jobs: put(state.jobs, action.job) }
    case 'runner.changed':
    case 'runner.sampled':
    case 'log.appended':
      return state
  }
}

function put(jobs: readonly JobView[], job: JobView): readonly JobView[] {
  const at = jobs.findIndex(({ id }) => id === job.id)
  return at < 0 ? [...jobs, job] : jobs.with(at, job)
}

/** The job that a page should show when nobody chose: what fails first, what runs, the first. */
export function jobToShow(jobs: readonly JobView[]): JobView | undefined {
  const failed = jobs.find(({ outcome }) => outcome && !['success', 'skipped'].includes(outcome))
  return failed ?? jobs.find(({ status }) => status === 'running') ?? jobs[0]
}
