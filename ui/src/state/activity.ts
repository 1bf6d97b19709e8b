import type { Activity } from '../../../src/contract/rest/rest-insights.ts'
import type { PipelineView } from '../../../src/contract/rest/views.ts'
import type { SubjectAction } from '../live/use-subject.ts'

/** Recent runs per repository, and running pipelines. */
export interface ActivityState {
  readonly isLoaded: boolean
  readonly repositories: readonly Activity[]
  /** Newest first. */
  readonly running: readonly PipelineView[]
}

export type LoadedActivity = Omit<ActivityState, 'isLoaded'>

export const NO_ACTIVITY: ActivityState = { isLoaded: false, repositories: [], running: [] }

/** Runs shown per repository. */
export const RUNS = 24

export function reduceActivity(
  state: ActivityState,
  action: SubjectAction<LoadedActivity>,
): ActivityState {
  if (action.type === 'loaded') return { isLoaded: true, ...action.loaded }
  if (action.type !== 'pipeline.changed') return state
  const { pipeline } = action
  const others = state.running.filter(({ id }) => id !== pipeline.id)
  const running = pipeline.status === 'running' ? [pipeline, ...others] : others
  const at = state.repositories.findIndex(
    ({ repository }) => repository.id === pipeline.repositoryId,
  )
  const found = state.repositories[at]
  if (!found) return { ...state, running }
  const { id, number, status, outcome, createdAt, startedAt, finishedAt } = pipeline
  const run = { id, number, status, outcome, createdAt, startedAt, finishedAt }
  const runs = [run, ...found.runs.filter((one) => one.id !== id)]
    .toSorted((a, b) => b.number - a.number)
    .slice(0, RUNS)
  return {
    ...state,
    running: running.toSorted((a, b) => b.createdAt - a.createdAt),
    repositories: state.repositories.with(at, { ...found, runs }),
  }
}
