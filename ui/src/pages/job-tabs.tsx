import type { JobView } from '../../../src/contract/views.ts'
import { StatusBadge } from '../parts/status-badge.tsx'
import { Duration } from '../parts/times.tsx'
import { Link } from '../router.tsx'
import { statusOf } from '../state/status.ts'

export interface JobTabsProps {
  readonly jobs: readonly JobView[]
  readonly shown: JobView
}

/** The jobs of a pipeline in the order of the file, each with what it needs. */
export function JobTabs({ jobs, shown }: JobTabsProps) {
  return (
    <nav className="jobs" aria-label="Jobs">
      {jobs.map((job) => (
        <Link
          key={job.id}
          to={`/pipelines/${job.pipelineId}?job=${job.id}`}
          isCurrent={job.id === shown.id}
        >
          <StatusBadge status={statusOf(job)} isSmall />
          <span className="what">
            <span className="title">{job.name}</span>
            {job.needs.length > 0 ? (
              <span className="quiet">needs {job.needs.join(', ')}</span>
            ) : null}
          </span>
          <span className="quiet">
            <Duration of={job} />
          </span>
        </Link>
      ))}
    </nav>
  )
}
