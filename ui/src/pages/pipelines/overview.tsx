import { lazy, type ReactNode, Suspense } from 'react'
import type { JobView, PipelineView } from '../../../../src/contract/rest/views.ts'
import { useShortcut } from '../../hooks/shortcuts.ts'
import { Link, navigate } from '../../router.tsx'
import { UsedConfig } from '../pipeline/used-config.tsx'
import { Waterfall } from '../pipeline/waterfall.tsx'

/** The graph layout is a separate chunk, which not every page needs. */
const JobGraph = lazy(async () => ({
  default: (await import('../../graph/job-graph.tsx')).JobGraph,
}))

const VIEWS = ['graph', 'time', 'config'] as const
type View = (typeof VIEWS)[number]
const WORDS: Readonly<Record<View, string>> = { graph: 'Graph', time: 'Time', config: 'Config' }

export interface OverviewProps {
  readonly pipeline: PipelineView
  readonly jobs: readonly JobView[]
  readonly shown: JobView | undefined
  readonly params: URLSearchParams
}

/** The whole pipeline: its dependency graph, timeline and configuration. */
export function Overview({ pipeline, jobs, shown, params }: OverviewProps) {
  const usual = jobs.length > 1 ? 'graph' : 'time'
  const asked = params.get('view')
  const view = VIEWS.find((one) => one === asked) ?? usual
  const linkTo = (to: View) => {
    const next = new URLSearchParams(params)
    next.set('view', to)
    return `/pipelines/${pipeline.id}?${next}`
  }
  const turn = () => {
    const next = VIEWS[(VIEWS.indexOf(view) + 1) % VIEWS.length] ?? usual
    navigate(linkTo(next), { replace: true })
  }
  useShortcut('v', 'Switch view', turn)
  return (
    <section className="panel overview" aria-label="Overview">
      <nav className="tabs" aria-label="Views">
        {VIEWS.map((one) => (
          <Link key={one} to={linkTo(one)} isCurrent={one === view} isInPlace>
            {WORDS[one]}
          </Link>
        ))}
      </nav>
      <div className={`overview-body is-${view}`}>{bodyOf(view)}</div>
    </section>
  )

  function bodyOf(which: View): ReactNode {
    if (which === 'time') return <Waterfall pipeline={pipeline} jobs={jobs} />
    if (which === 'config') return <UsedConfig pipeline={pipeline} />
    return (
      <Suspense fallback={null}>
        <JobGraph jobs={jobs} shown={shown?.id} />
      </Suspense>
    )
  }
}
