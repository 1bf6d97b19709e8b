import type { Activity } from '../../../src/contract/rest-insights.ts'
import type { PipelineView } from '../../../src/contract/views.ts'
import { formatDuration, formatRef } from '../format.ts'
import { useNow } from '../parts/now.ts'
import { typicalMs } from '../parts/run-bars.tsx'
import { Link } from '../router.tsx'

const MOST = 6

export interface RunningNowProps {
  readonly running: readonly PipelineView[]
  readonly repositories: readonly Activity[]
}

/** What runs now, each beside how long it takes as a rule. */
export function RunningNow({ running, repositories }: RunningNowProps) {
  const now = useNow()
  if (running.length === 0) return null
  return (
    <section aria-label="Running now" className="running">
      <h2 className="section-head">
        Running now <span className="quiet number">{running.length}</span>
      </h2>
      <ul className="running-list">
        {running.slice(0, MOST).map((pipeline) => {
          const runs = repositories.find(
            ({ repository }) => repository.id === pipeline.repositoryId,
          )
          const typical = typicalMs(runs?.runs ?? [])
          const elapsed = Math.max(0, now - (pipeline.startedAt ?? pipeline.createdAt))
          const share = typical ? Math.min(0.97, elapsed / typical) : 0.5
          return (
            <li key={pipeline.id}>
              <Link to={`/pipelines/${pipeline.id}`} className="running-card">
                <span className="title">{pipeline.event.title || pipeline.name}</span>
                <span className="quiet small facts">
                  <span>
                    {pipeline.repositoryName} #{pipeline.number}
                  </span>
                  <span>{formatRef(pipeline.event.ref)}</span>
                </span>
                <span className="progress" aria-hidden="true">
                  <svg viewBox="0 0 100 4" preserveAspectRatio="none">
                    <rect width={100 * share} height="4" />
                  </svg>
                </span>
                <span className="quiet small number">
                  {whole(elapsed)}
                  {typical ? ` of about ${whole(typical)}` : ''}
                </span>
              </Link>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function whole(ms: number): string {
  return formatDuration(Math.floor(ms / 1000) * 1000).replace('.0', '')
}
