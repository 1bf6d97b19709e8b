import type { AttemptView, JobView } from '../../../../src/contract/rest/views.ts'
import { useQueue } from '../queue/use-queue.ts'

export interface PlacementProps {
  readonly job: JobView
  readonly attempt: AttemptView | undefined
}

/** Why this runner was chosen, or why the job waits; always one line, so that nothing moves. */
export function Placement({ job, attempt }: PlacementProps) {
  if (!attempt) {
    if (job.status === 'queued') return <Waits jobId={job.id} />
    // A job without needs is blocked with its pipeline, by an approval for example.
    const needs = job.needs.join(', ') || 'its pipeline to start'
    const words = job.status === 'blocked' ? `Waiting for ${needs}` : job.reason
    return <p className="placement small quiet">{words}</p>
  }
  const { decision } = attempt
  const refused = decision.considered.filter(({ refusedBecause }) => refusedBecause !== undefined)
  const others = decision.considered.filter(
    (one) => one.refusedBecause === undefined && one.runnerId !== decision.runnerId,
  )
  return (
    <details className="placement small">
      <summary>
        Runner <strong>{decision.runnerName}</strong>{' '}
        <span className="quiet">
          {decision.heuristic}: {decision.reason}
        </span>
      </summary>
      <ul className="quiet">
        {others.map(({ runnerId, name, busy, slots }) => (
          <li key={runnerId}>
            {name} was eligible: {busy} of {slots} slots busy
          </li>
        ))}
        {refused.map(({ runnerId, name, refusedBecause }) => (
          <li key={runnerId}>
            {name} {refusedBecause}
          </li>
        ))}
        {others.length + refused.length === 0 ? <li>No other runners</li> : null}
      </ul>
    </details>
  )
}

function Waits({ jobId }: { readonly jobId: JobView['id'] }) {
  const { jobs } = useQueue()
  const found = jobs?.find((one) => one.jobId === jobId)
  return (
    <p className="placement small">
      {found ? `#${found.position} in queue: ${found.reason}` : 'In queue'}
    </p>
  )
}
