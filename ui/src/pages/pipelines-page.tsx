import { useState } from 'react'
import type { PipelineView } from '../../../src/contract/views.ts'
import { getJson } from '../api.ts'
import { useSubject } from '../live/use-subject.ts'
import { CommandButton } from '../parts/command-button.tsx'
import { ErrorNotice, Loading } from '../parts/notices.tsx'
import { navigate } from '../router.tsx'
import {
  filterQuery,
  formatFilter,
  matchesFilter,
  type PipelineFilter,
  parseFilter,
} from '../state/pipeline-filter.ts'
import { type LoadedPipelines, NO_PIPELINES, reducePipelineList } from '../state/pipeline-list.ts'
import { FilterBar } from './filter-bar.tsx'
import { PipelineRow } from './pipeline-row.tsx'
import { QueueHint } from './queue-hint.tsx'

const PAGE = 50

export function PipelinesPage({ search }: { readonly search: string }) {
  const filter = parseFilter(search)
  const query = filterQuery(filter).toString()
  const { state, error, dispatch } = useSubject({
    key: query,
    topic: { kind: 'everything' },
    load: async (signal) => {
      // The number first: what happens between the two is then told again.
      const { seq } = await getJson<{ seq: number }>('/status', signal)
      return { loaded: await readPage(filter, undefined, signal), seq }
    },
    reduce: reducePipelineList,
    initial: NO_PIPELINES,
  })
  const shown = state.pipelines.filter((pipeline) => matchesFilter(pipeline, filter))
  const readMore = async () => {
    const loaded = await readPage(filter, state.pipelines.at(-1)?.id)
    dispatch({ type: 'loaded', key: query, loaded: { ...loaded, isNextPage: true } })
  }
  return (
    <>
      <title>Pipelines · Narwhal</title>
      <div className="page-head">
        <h1>Pipelines</h1>
        <FilterBar
          filter={filter}
          onChange={(next) => navigate(`/${formatFilter(next)}`, { replace: true })}
        />
      </div>
      <QueueHint />
      <ErrorNotice error={error} />
      {shown.length > 0 ? (
        <ol className="rows" aria-label="Pipelines, newest first">
          {shown.map((pipeline) => (
            <PipelineRow key={pipeline.id} pipeline={pipeline} />
          ))}
        </ol>
      ) : null}
      {shown.length === 0 && state.key === undefined && !error ? <Loading /> : null}
      {shown.length === 0 && state.key === query ? <NoPipelines filter={filter} /> : null}
      {state.hasMore && shown.length > 0 ? (
        <p className="more">
          <CommandButton run={readMore}>Show older pipelines</CommandButton>
        </p>
      ) : null}
    </>
  )
}

async function readPage(
  filter: PipelineFilter,
  before: PipelineView['id'] | undefined,
  signal?: AbortSignal,
): Promise<LoadedPipelines> {
  const query = filterQuery(filter)
  query.set('limit', String(PAGE))
  if (before) query.set('before', before)
  const { pipelines } = await getJson<{ pipelines: PipelineView[] }>(`/pipelines?${query}`, signal)
  return { pipelines, hasMore: pipelines.length === PAGE }
}

function NoPipelines({ filter }: { readonly filter: PipelineFilter }) {
  const [example] = useState(() => './narwhal repo add me/project /path/to/project')
  if (filter.text || filter.status) {
    return (
      <section className="empty">
        <h2>No pipeline is like that</h2>
        <p>Change the filter to see others.</p>
      </section>
    )
  }
  return (
    <section className="empty">
      <h2>No pipelines yet</h2>
      <p>Register a repository that has a narwhal.yml, and push a commit to it:</p>
      <pre>
        <code>{example}</code>
      </pre>
      <p className="quiet">New pipelines show up here by themselves.</p>
    </section>
  )
}
