import { useEffect, useRef, useState } from 'react'
import type { PipelineView } from '../../../../src/contract/rest/views.ts'
import { call } from '../../api.ts'
import { useRowKeys, useShortcut } from '../../hooks/shortcuts.ts'
import { useSubject } from '../../live/use-subject.ts'
import { CommandButton } from '../../parts/command-button.tsx'
import { ErrorNotice, Loading } from '../../parts/notices.tsx'
import { WindowRows } from '../../parts/window-rows.tsx'
import { Link, navigate } from '../../router.tsx'
import {
  filterQuery,
  formatFilter,
  isFiltering,
  matchesFilter,
  type PipelineFilter,
  parseFilter,
} from '../../state/pipeline-filter.ts'
import {
  type LoadedPipelines,
  NO_PIPELINES,
  reducePipelineList,
} from '../../state/pipeline-list.ts'
import { FilterBar } from './filter-bar.tsx'
import { PipelineRow } from './pipeline-row.tsx'
import { RepositoryStrip } from './repository-strip.tsx'
import { RunningNow } from './running-now.tsx'
import { StartDialog } from './start-dialog.tsx'
import { useActivity } from './use-activity.ts'

/** A small first page loads fast; scrolling on loads many. */
const FIRST_PAGE = 100
const NEXT_PAGE = 500

export function PipelinesPage({ search }: { readonly search: string }) {
  const filter = parseFilter(search)
  const activity = useActivity()
  const names = activity.repositories.map(({ repository }) => repository.name)
  const isReady = activity.isLoaded || activity.error !== undefined
  const [isStarting, setStarting] = useState(false)
  useRowKeys()
  useShortcut('n', 'Start pipeline', () => setStarting(true))
  const change = (next: PipelineFilter) => navigate(`/${formatFilter(next)}`, { replace: true })
  return (
    <>
      <title>Pipelines · Narwhal</title>
      <div className="page-head">
        <h1>Pipelines</h1>
        <div className="commands">
          <button type="button" disabled={names.length === 0} onClick={() => setStarting(true)}>
            Start pipeline
          </button>
        </div>
      </div>
      {isStarting ? (
        <StartDialog
          repositories={names}
          repository={filter.repository}
          onClose={() => setStarting(false)}
        />
      ) : null}
      {isReady ? null : <Loading />}
      {/* Everything is shown at once, so that nothing moves when another part has loaded. */}
      <div hidden={!isReady}>
        <RepositoryStrip repositories={activity.repositories} chosen={filter.repository} />
        {names.length > 0 ? (
          <RunningNow running={activity.running} repositories={activity.repositories} />
        ) : null}
        <FilterBar filter={filter} repositories={names} onChange={change} />
        <List filter={filter} hasRepositories={names.length > 0} />
      </div>
    </>
  )
}

interface ListProps {
  readonly filter: PipelineFilter
  readonly hasRepositories: boolean
}

function List({ filter, hasRepositories }: ListProps) {
  const query = formatFilter(filter)
  const { state, error, dispatch } = useSubject({
    key: query,
    topic: { kind: 'everything' },
    load: async (signal) => {
      // The sequence number first: changes between the two requests are then sent again.
      const { seq } = await call('status', {}, signal)
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
  const isRead = state.key === query
  return (
    <>
      <ErrorNotice error={error} />
      {shown.length > 0 ? (
        <WindowRows label="Pipelines, newest first" items={shown}>
          {(pipeline) => <PipelineRow pipeline={pipeline} />}
        </WindowRows>
      ) : null}
      {shown.length === 0 && state.key === undefined && !error ? <Loading /> : null}
      {shown.length === 0 && isRead ? (
        <NoPipelines isFiltering={isFiltering(filter)} hasRepositories={hasRepositories} />
      ) : null}
      {state.hasMore && shown.length > 0 && isRead ? <More readMore={readMore} /> : null}
    </>
  )
}

/** Loads the next page near the end of the list, or on click. */
function More({ readMore }: { readonly readMore: () => Promise<void> }) {
  const place = useRef<HTMLParagraphElement>(null)
  const newest = useRef(readMore)
  newest.current = readMore
  useEffect(() => {
    let isReading = false
    const read = async () => {
      if (isReading) return
      isReading = true
      // Errors are shown when it is clicked.
      await newest.current().catch(() => undefined)
      isReading = false
    }
    const observer = new IntersectionObserver(
      (entries) => entries.some(({ isIntersecting }) => isIntersecting) && void read(),
      { rootMargin: '600px' },
    )
    if (place.current) observer.observe(place.current)
    return () => observer.disconnect()
  })
  return (
    <p className="more" ref={place}>
      <CommandButton run={readMore}>Show older pipelines</CommandButton>
    </p>
  )
}

async function readPage(
  filter: PipelineFilter,
  before: PipelineView['id'] | undefined,
  signal?: AbortSignal,
): Promise<LoadedPipelines> {
  const limit = before ? NEXT_PAGE : FIRST_PAGE
  const query = { ...filterQuery(filter), limit, before }
  const { pipelines } = await call('listPipelines', { query }, signal)
  return { pipelines, hasMore: pipelines.length === limit }
}

function NoPipelines(props: { readonly isFiltering: boolean; readonly hasRepositories: boolean }) {
  if (props.isFiltering) {
    return (
      <section className="empty">
        <h2>No pipelines match</h2>
        <p>
          <Link to="/">Clear filters</Link> to see all pipelines.
        </p>
      </section>
    )
  }
  return (
    <section className="empty">
      <h2>No pipelines yet</h2>
      {props.hasRepositories ? (
        <p>Push a commit to a repository with a narwhal.yml, or start a pipeline manually.</p>
      ) : (
        <>
          <p>
            <Link to="/repositories">Add a repository</Link> with a narwhal.yml, or run:
          </p>
          <pre tabIndex={0}>
            <code>./narwhal repo add https://github.com/octocat/hello</code>
          </pre>
        </>
      )}
      <p className="quiet">New pipelines appear here automatically.</p>
    </section>
  )
}
