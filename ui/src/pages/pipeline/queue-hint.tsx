import { formatCount } from '../../format.ts'
import { Link } from '../../router.tsx'
import { useQueue } from '../queue/use-queue.ts'

/** How many jobs are waiting, and why the first one does. */
export function QueueHint() {
  const { jobs, total, unplanned } = useQueue()
  const [first] = jobs ?? []
  if (unplanned) {
    return (
      <p className="queue-hint small">
        <Link to="/queue">No commits are being planned</Link>
        <span className="quiet">: each {unplanned.reason}</span>
      </p>
    )
  }
  if (total === undefined || !first) return null
  return (
    <p className="queue-hint small">
      <Link to="/queue">{formatCount(total, 'job')} waiting for a runner</Link>
      <span className="quiet">
        {total > 1 ? ' · first: ' : ': '}
        {first.reason}
      </span>
    </p>
  )
}
