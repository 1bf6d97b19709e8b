import { useState } from 'react'
import type { Activity } from '../../../../src/contract/rest/rest-insights.ts'
import { formatDuration } from '../../format.ts'
import { useRowKeys, useShortcut } from '../../hooks/shortcuts.ts'
import { useRead } from '../../hooks/use-read.ts'
import { ErrorNotice, Loading } from '../../parts/notices.tsx'
import { RunBars, typicalMs } from '../../parts/run-bars.tsx'
import { Ago } from '../../parts/times.tsx'
import { Link } from '../../router.tsx'
import { RUNS } from '../../state/activity.ts'
import { AddRepository } from './add-repository.tsx'

export function RepositoriesPage() {
  const { answer, error, reload } = useRead('listActivity', { query: { runs: RUNS } })
  const [isAdding, setAdding] = useState(false)
  useRowKeys()
  useShortcut('n', 'Add repository', () => setAdding(true))
  const repositories = answer?.repositories
  return (
    <>
      <title>Repositories · Narwhal</title>
      <div className="page-head">
        <h1>Repositories</h1>
        <div className="commands">
          <button type="button" className="main" onClick={() => setAdding(true)}>
            Add repository
          </button>
        </div>
      </div>
      {isAdding ? <AddRepository onAdded={reload} onClose={() => setAdding(false)} /> : null}
      <ErrorNotice error={error} />
      {!repositories && !error ? <Loading /> : null}
      {repositories?.length === 0 ? (
        <section className="empty">
          <h2>No repositories yet</h2>
          <p>Add one with a narwhal.yml at its root. Its pipelines then appear automatically.</p>
        </section>
      ) : null}
      {repositories && repositories.length > 0 ? (
        <ul className="panel rows" aria-label="Repositories">
          {repositories.map(({ repository, runs }) => (
            <li key={repository.id} className="row is-repository">
              <div className="what">
                <Link
                  to={`/repositories/${encodeURIComponent(repository.name)}`}
                  className="title"
                  isRow
                >
                  {repository.name}
                </Link>
                <p className="quiet small facts">
                  <span>{repository.cloneUrl}</span>
                </p>
              </div>
              <RunBars runs={runs} places={RUNS} />
              <Facts runs={runs} />
            </li>
          ))}
        </ul>
      ) : null}
    </>
  )
}

function Facts({ runs }: { readonly runs: Activity['runs'] }) {
  const typical = typicalMs(runs)
  const [last] = runs
  return (
    <span className="when quiet small">
      <span className="number">{typical === undefined ? '' : `~${formatDuration(typical)}`}</span>
      {last ? <Ago at={last.createdAt} /> : <span>no runs yet</span>}
    </span>
  )
}
