import type { PipelineView } from '../../../src/contract/rest/views.ts'
import type { SubjectAction } from '../live/use-subject.ts'

/** The pipelines that the list has read or heard of, newest first. */
export interface PipelineListState {
  /** What was read under which filter; undefined until then. */
  readonly key: string | undefined
  readonly pipelines: readonly PipelineView[]
  /** Whether older ones may be had. */
  readonly hasMore: boolean
}

export interface LoadedPipelines {
  readonly pipelines: readonly PipelineView[]
  readonly hasMore: boolean
  /** These come behind the ones that are there, instead of in their place. */
  readonly isNextPage?: boolean
}

export const NO_PIPELINES: PipelineListState = { key: undefined, pipelines: [], hasMore: false }

/** Live pipelines that are kept at most; who wants older ones reads them. */
const MOST = 2_000

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
  return { ...state, pipelines: merge(state.pipelines, [action.pipeline]).slice(0, MOST) }
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
