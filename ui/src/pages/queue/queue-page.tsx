import type { QueueList } from '../../../../src/contract/rest/rest.ts'
import { formatCount, formatDuration } from '../../format.ts'
import { useNow } from '../../hooks/now.ts'
import { useRowKeys } from '../../hooks/shortcuts.ts'
import { ErrorNotice, Loading } from '../../parts/notices.tsx'
import { Ago } from '../../parts/times.tsx'
import { Link } from '../../router.tsx'
import { useQueue } from './use-queue.ts'

export function QueuePage() {
  const { jobs, total = 0, unplanned, error } = useQueue()
  useRowKeys()
  return (
    <>
      <title>Queue · Narwhal</title>
      <div className="page-head">
        <h1>Queue</h1>
        {total > 0 ? <span className="quiet number">{total.toLocaleString('en')}</span> : null}
      </div>
      <ErrorNotice error={error} />
      {unplanned ? <Unplanned {...unplanned} /> : null}
      {!jobs && !error ? <Loading /> : null}
      {jobs?.length === 0 && !unplanned ? (
        <section className="empty">
          <h2>No jobs waiting</h2>
          <p>
            View <Link to="/runners">runners</Link> or <Link to="/">pipelines</Link>.
          </p>
        </section>
      ) : null}
      {jobs && jobs.length > 0 ? (
        <ol className="panel rows" aria-label="Waiting jobs, next first">
          {jobs.map((job) => (
            <li key={job.jobId} className="row is-queued">
              <span className="number position">{job.position}</span>
              <div className="what">
                <Link to={`/pipelines/${job.pipelineId}?job=${job.jobId}`} className="title" isRow>
                  {job.repositoryName} · {job.name}
                </Link>
                <p className="quiet small reason">{job.reason}</p>
              </div>
              <span className="when quiet small">
                <Expected at={job.expectedStartAt} />
                <span>
                  queued <Ago at={job.queuedAt} />
                </span>
              </span>
            </li>
          ))}
        </ol>
      ) : null}
      {jobs && total > jobs.length ? (
        <p className="more quiet">{formatCount(total - jobs.length, 'more job')} waiting</p>
      ) : null}
    </>
  )
}

/** Unplanned commits have no jobs that could be listed. */
function Unplanned({ reason, commits }: NonNullable<QueueList['unplanned']>) {
  return (
    <p className="notice">
      No commits are being planned{commits > 0 ? ` (${commits} waiting)` : ''}: each {reason}.{' '}
      <Link to="/runners">View runners</Link>
    </p>
  )
}

function Expected({ at }: { readonly at: number | undefined }) {
  const now = useNow()
  if (at === undefined) return null
  const ms = Math.ceil((at - now) / 1000) * 1000
  return (
    <span className="number expected">
      {ms <= 1000 ? 'starts any moment' : `starts in about ${formatDuration(ms).replace('.0', '')}`}
    </span>
  )
}
