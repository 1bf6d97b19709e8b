import { formatCount } from '../../format.ts'
import { Link } from '../../router.tsx'
import { useQueue } from '../queue/use-queue.ts'

/** A few words while jobs wait, with the first one's reason. */
export function QueueHint() {
  const { jobs, total, unplanned } = useQueue()
  const [first] = jobs ?? []
  if (unplanned) {
    return (
      <p className="queue-hint small">
        <Link to="/queue">No commit is planned now</Link>
        <span className="quiet">: each {unplanned.reason}</span>
      </p>
    )
  }
  if (total === undefined || !first) return null
  return (
    <p className="queue-hint small">
      <Link to="/queue">{formatCount(total, 'job waits', 'jobs wait')} for a runner</Link>
      <span className="quiet">: {first.reason}</span>
    </p>
  )
}
