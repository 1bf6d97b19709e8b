import type { PipelineView } from '../../../src/contract/rest/views.ts'
import type { SubjectAction } from '../live/use-subject.ts'

/** The loaded and live pipelines of the list, newest first. */
export interface PipelineListState {
  /** The filter that was loaded; undefined until then. */
  readonly key: string | undefined
  readonly pipelines: readonly PipelineView[]
  /** Whether there may be older ones. */
  readonly hasMore: boolean
}

export interface LoadedPipelines {
  readonly pipelines: readonly PipelineView[]
  readonly hasMore: boolean
  /** Append these instead of replacing the present ones. */
  readonly isNextPage?: boolean
}

export const NO_PIPELINES: PipelineListState = { key: undefined, pipelines: [], hasMore: false }

/** Limit for live updates; older pipelines are loaded on demand. */
const MAX_KEPT = 2_000

export function reducePipelineList(
  state: PipelineListState,
  action: SubjectAction<LoadedPipelines>,
): PipelineListState {
  if (action.type === 'loaded') {
    const { pipelines, hasMore, isNextPage } = action.loaded
    const before = isNextPage ? state.pipelines : []
    return { key: action.key, pipelines: merge(before, pipelines), hasMore }
  }
  if (action.type !== 'pipeline.changed') return state
  return { ...state, pipelines: merge(state.pipelines, [action.pipeline]).slice(0, MAX_KEPT) }
}

function merge(
  old: readonly PipelineView[],
  changed: readonly PipelineView[],
): readonly PipelineView[] {
  const [one] = changed
  const at = changed.length === 1 && one ? old.findIndex(({ id }) => id === one.id) : -1
  if (one && at >= 0) return old.with(at, one)
  const all = new Map(old.map((pipeline) => [pipeline.id, pipeline]))
  for (const pipeline of changed) all.set(pipeline.id, pipeline)
  return [...all.values()].toSorted(newestFirst)
}

function newestFirst(a: PipelineView, b: PipelineView): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)
}
