import { placeWords } from '../../../../src/contract/rest/forge-words.ts'
import type { Activity } from '../../../../src/contract/rest/rest-insights.ts'
import type { PipelineView } from '../../../../src/contract/rest/views.ts'
import { formatDuration } from '../../format.ts'
import { useNow } from '../../hooks/now.ts'
import { typicalMs } from '../../parts/run-bars.tsx'
import { Link } from '../../router.tsx'
import { QueueHint } from '../pipeline/queue-hint.tsx'

const MAX_SHOWN = 6

export interface RunningNowProps {
  readonly running: readonly PipelineView[]
  readonly repositories: readonly Activity[]
}

/**
 * Running pipelines, with their typical duration, and what is waiting. Keeps its height when empty, so
 * that the list below doesn't move.
 */
export function RunningNow({ running, repositories }: RunningNowProps) {
  return (
    <section aria-label="Running now" className="running">
      <div className="section-head">
        <h2>
          Running now <span className="quiet number">{running.length || ''}</span>
        </h2>
        <QueueHint />
      </div>
      {running.length === 0 ? <p className="running-none quiet">Nothing running</p> : null}
      <ul className="running-list" tabIndex={running.length > 3 ? 0 : undefined}>
        {running.slice(0, MAX_SHOWN).map((pipeline) => {
          const runs = repositories.find(
            ({ repository }) => repository.id === pipeline.repositoryId,
          )
          return <Running key={pipeline.id} pipeline={pipeline} runs={runs?.runs ?? []} />
        })}
      </ul>
    </section>
  )
}

interface RunningProps {
  readonly pipeline: PipelineView
  readonly runs: Activity['runs']
}

function Running({ pipeline, runs }: RunningProps) {
  const now = useNow()
  const typical = typicalMs(runs)
  const elapsed = Math.max(0, now - (pipeline.startedAt ?? pipeline.createdAt))
  const share = typical ? Math.min(0.97, elapsed / typical) : 0.5
  return (
    <li>
      <Link to={`/pipelines/${pipeline.id}`} className="running-card">
        <span className="title">{pipeline.event.title || pipeline.name}</span>
        <span className="progress" aria-hidden="true">
          <svg viewBox="0 0 100 4" preserveAspectRatio="none">
            <rect width={100 * share} height="4" />
          </svg>
        </span>
        <span className="quiet small facts">
          <span>
            {pipeline.repositoryName} #{pipeline.number}
          </span>
          <span>{placeWords(pipeline.event)}</span>
          <span className="number">
            {whole(elapsed)}
            {typical ? ` of ~${whole(typical)}` : ''}
          </span>
        </span>
      </Link>
    </li>
  )
}

function whole(ms: number): string {
  return formatDuration(Math.floor(ms / 1000) * 1000).replace('.0', '')
}
