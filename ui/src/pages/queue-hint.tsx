import { formatCount } from '../format.ts'
import { Link } from '../router.tsx'
import { useQueue } from './use-queue.ts'

/** A few words while jobs wait, with the first one's reason. */
export function QueueHint() {
  const { jobs, total } = useQueue()
  const [first] = jobs ?? []
  if (total === undefined || !first) return null
  return (
    <p className="queue-hint small">
      <Link to="/queue">{formatCount(total, 'job waits', 'jobs wait')} for a runner</Link>
      <span className="quiet">: {first.reason}</span>
    </p>
  )
}
