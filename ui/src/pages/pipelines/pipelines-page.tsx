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

/** The first page is there at once; who scrolls on wants many. */
const FIRST_PAGE = 100
const NEXT_PAGE = 500

export function PipelinesPage({ search }: { readonly search: string }) {
  const filter = parseFilter(search)
  const activity = useActivity()
  const names = activity.repositories.map(({ repository }) => repository.name)
  const isReady = activity.isLoaded || activity.error !== undefined
  const [isStarting, setStarting] = useState(false)
  useRowKeys()
  useShortcut('n', 'Start a pipeline', () => setStarting(true))
  const change = (next: PipelineFilter) => navigate(`/${formatFilter(next)}`, { replace: true })
  return (
    <>
      <title>Pipelines · Narwhal</title>
      <div className="page-head">
        <h1>Pipelines</h1>
        <div className="commands">
          <button type="button" disabled={names.length === 0} onClick={() => setStarting(true)}>
            Start a pipeline
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
      {/* All is shown at once, so that nothing moves when another part of it has come. */}
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
      // The number first: what happens between the two is then told again.
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

/** The next page comes when one is near the end, and by hand. */
function More({ readMore }: { readonly readMore: () => Promise<void> }) {
  const place = useRef<HTMLParagraphElement>(null)
  const newest = useRef(readMore)
  newest.current = readMore
  useEffect(() => {
    let isReading = false
    const read = async () => {
      if (isReading) return
      isReading = true
      // What went wrong is said when it is tried by hand.
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
        <h2>No pipeline is like that</h2>
        <p>
          <Link to="/">Clear the filter</Link> to see all.
        </p>
      </section>
    )
  }
  return (
    <section className="empty">
      <h2>No pipelines yet</h2>
      {props.hasRepositories ? (
        <p>Push a commit to a repository that has a narwhal.yml, or start a pipeline by hand.</p>
      ) : (
        <>
          <p>
            <Link to="/repositories">Add a repository</Link> that has a narwhal.yml, or do so in a
            terminal:
          </p>
          <pre tabIndex={0}>
            <code>./narwhal repo add https://github.com/octocat/hello</code>
          </pre>
        </>
      )}
      <p className="quiet">New pipelines show up here by themselves.</p>
    </section>
  )
}
