import type { Activity } from '../../../../src/contract/rest/rest-insights.ts'
import { formatDuration } from '../../format.ts'
import { RunBars, typicalMs } from '../../parts/run-bars.tsx'
import { StatusBadge } from '../../parts/status-badge.tsx'
import { Link } from '../../router.tsx'
import { RUNS } from '../../state/activity.ts'
import { formatFilter } from '../../state/pipeline-filter.ts'
import { statusOf } from '../../state/status.ts'

/** The others are on the page of repositories. */
const MAX_CARDS = 8

export interface RepositoryStripProps {
  readonly repositories: readonly Activity[]
  readonly chosen: string
}

/** A card for each recently active repository, which filters the list. */
export function RepositoryStrip({ repositories, chosen }: RepositoryStripProps) {
  const busiest = repositories
    .filter(({ runs }) => runs.length > 0)
    .toSorted((a, b) => (b.runs[0]?.createdAt ?? 0) - (a.runs[0]?.createdAt ?? 0))
    .slice(0, MAX_CARDS)
    .toSorted((a, b) => a.repository.name.localeCompare(b.repository.name))
  if (busiest.length < 2) return null
  return (
    <ul className="strip" aria-label="Repositories">
      {busiest.map(({ repository, runs }) => (
        <li key={repository.id}>
          <RepositoryCard
            name={repository.name}
            runs={runs}
            isChosen={chosen === repository.name}
          />
        </li>
      ))}
    </ul>
  )
}

interface RepositoryCardProps {
  readonly name: string
  readonly runs: Activity['runs']
  readonly isChosen: boolean
}

function RepositoryCard({ name, runs, isChosen }: RepositoryCardProps) {
  const [last] = runs
  const typical = typicalMs(runs)
  const ended = runs.filter(({ outcome }) => outcome !== undefined)
  const good = ended.filter(({ outcome }) => outcome === 'success').length
  return (
    <Link
      to={`/${formatFilter({ repository: isChosen ? '' : name })}`}
      className="strip-card"
      isCurrent={isChosen}
    >
      <span className="strip-name">
        {last ? <StatusBadge status={statusOf(last)} isSmall /> : null}
        <span>{name}</span>
      </span>
      <RunBars runs={runs} places={RUNS} />
      <span className="quiet small strip-facts number">
        <span>{ended.length > 0 ? `${Math.round((100 * good) / ended.length)}% passed` : ' '}</span>
        <span>{typical === undefined ? '' : `~${formatDuration(typical)}`}</span>
      </span>
    </Link>
  )
}
