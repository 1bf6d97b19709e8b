import {
  type PipelineState,
  startPipelineState,
  withNews,
} from '../../../src/contract/live/pipeline-state.ts'
import type { PipelineWithJobs } from '../../../src/contract/rest/rest.ts'
import type { JobView, PipelineView } from '../../../src/contract/rest/views.ts'
import type { SubjectAction } from '../live/use-subject.ts'

/** One pipeline with its jobs in the order of the file. */
export interface PipelinePageState {
  readonly pipeline: PipelineView | undefined
  readonly jobs: readonly JobView[]
  /** Why its forge refused its status, when the page was loaded. */
  readonly statusRefusal?: string | undefined
  /** What both are derived from. */
  readonly known: PipelineState | undefined
}

export const NO_PIPELINE: PipelinePageState = { pipeline: undefined, jobs: [], known: undefined }

export function reducePipelinePage(
  state: PipelinePageState,
  action: SubjectAction<PipelineWithJobs>,
): PipelinePageState {
  if (action.type === 'loaded') {
    const { statusRefusal } = action.loaded
    return { ...shown(startPipelineState(action.loaded)), statusRefusal }
  }
  const next = state.known && withNews(state.known, action)
  return next === undefined || next === state.known ? state : { ...state, ...shown(next) }
}

function shown(known: PipelineState): PipelinePageState {
  return { pipeline: known.pipeline, jobs: [...known.jobs.values()], known }
}

/** The job shown by default: the first failed, otherwise the first running, otherwise the first. */
export function jobToShow(jobs: readonly JobView[]): JobView | undefined {
  const failed = jobs.find(({ outcome }) => outcome && !['success', 'skipped'].includes(outcome))
  return failed ?? jobs.find(({ status }) => status === 'running') ?? jobs[0]
}
