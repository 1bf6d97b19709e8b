import { ErrorNotice, Loading } from '../parts/notices.tsx'
import { Ago } from '../parts/times.tsx'
import { Link } from '../router.tsx'
import { useQueue } from './use-queue.ts'

export function QueuePage() {
  const { jobs, error } = useQueue()
  return (
    <>
      <title>Queue · Narwhal</title>
      <div className="page-head">
        <h1>Queue</h1>
      </div>
      <ErrorNotice error={error} />
      {!jobs && !error ? <Loading /> : null}
      {jobs?.length === 0 ? (
        <section className="empty">
          <h2>No job waits</h2>
          <p>Each job has found a runner.</p>
        </section>
      ) : null}
      {jobs && jobs.length > 0 ? (
        <ol className="rows" aria-label="Waiting jobs, next first">
          {jobs.map((job) => (
            <li key={job.jobId}>
              <Link to={`/pipelines/${job.pipelineId}?job=${job.jobId}`} className="row">
                <span className="number position">{job.position}</span>
                <span className="what">
                  <span className="title">{job.name}</span>
                  <span className="quiet facts">
                    <span>{job.repositoryName}</span>
                    <span className="reason">{job.reason}</span>
                  </span>
                </span>
                <span className="quiet when">
                  <Ago at={job.queuedAt} />
                </span>
              </Link>
            </li>
          ))}
        </ol>
      ) : null}
    </>
  )
}
