import type { PublishedEvent } from '../../contract/live/live-event.ts'
import type { JobView, LogLine } from '../../contract/rest/views.ts'
import type { AttemptRef } from '../../core/ids.ts'
import type { Reads } from '../../store/store.ts'
import type { LiveSource } from '../live-source.ts'
import { Backlog } from './backlog.ts'
import { FIRST_PAGE, isEndOfLog, nextPageSize } from './log-page-size.ts'
import { RedactionWatch } from './redaction-watch.ts'

/** Characters of live lines buffered for a slow reader before it falls back to the store. */
const MAX_BUFFERED = 1024 * 1024
/** Without events for this long, the store is polled: events may be lost. */
const POLL_MS = 3_000

export interface LogBatch {
  /** In order, without duplicates; may be empty. */
  readonly lines: LogLine[]
  /** All stored lines have been yielded; the following ones are new. */
  readonly live: boolean
}

export interface FollowLog {
  readonly store: Reads<'jobs' | 'logs'>
  readonly live: LiveSource
  readonly log: AttemptRef
  /** The first line to yield (0-based). */
  readonly from: number
  readonly signal: AbortSignal
}

/**
 * Yields the lines of an attempt starting at `from`: first those in the store, then new ones as they
 * arrive, without gaps or duplicates. Ends when the attempt has ended and all its lines were yielded, or
 * silently on abort. Reads on only on demand, so a slow reader costs nothing. Rejects as the store does.
 */
export async function* followLog(options: FollowLog): AsyncGenerator<LogBatch, void, undefined> {
  const { store, live, log, signal } = options
  const backlog = new Backlog<LogLine>(MAX_BUFFERED)
  let ended = false
  /** The number of stored lines, as far as reported. */
  let stored = 0
  const redactions = new RedactionWatch(log)
  const hear = (event: PublishedEvent) => {
    if (event.type === 'log.appended' && event.jobId === log.jobId) {
      if (event.attempt !== log.attempt) return
      for (const line of event.lines) backlog.push(line, line.text.length + 64)
    } else if (event.type === 'log.grew' && event.jobId === log.jobId) {
      if (event.attempt !== log.attempt) return
      stored = Math.max(stored, event.lines)
      backlog.wake()
    } else if (event.type === 'job.changed' && event.job.id === log.jobId) {
      ended ||= isLogComplete(event.job, log.attempt)
      if (redactions.onJob(event.job)) backlog.miss()
      else backlog.wake()
    }
  }
  using _hearing = live.listen(hear)
  using _noticing = live.onGap?.(() => backlog.miss())

  let next = options.from
  let fromStore = true
  let limit = FIRST_PAGE
  const refresh = async (): Promise<JobView | undefined> => {
    const job = await store.jobs.findView(log.jobId)
    ended ||= !job || isLogComplete(job, log.attempt)
    return job
  }
  redactions.begin(await refresh())
  while (!signal.aborted) {
    const said = await redactions.take(store, next - 1)
    if (said.length > 0) yield { lines: said, live: false }
    if (fromStore) {
      // Must be known before the read: lines may still be added between a read and the end.
      const isLast = ended
      const lines = await store.logs.read(log, next, limit)
      next = (lines.at(-1)?.number ?? next - 1) + 1
      const isWhole = isEndOfLog(lines, limit)
      limit = nextPageSize(lines)
      yield { lines, live: isWhole }
      if (isWhole && isLast) return
      fromStore = !isWhole
      continue
    }
    const { items, missed } = backlog.take()
    const lines = takeFrom(items, next)
    next += lines.length
    if (lines.length > 0) yield { lines, live: true }
    const hasGap = items.some(({ number }) => number >= next)
    if (missed || ended || hasGap || stored > next) {
      fromStore = true
    } else if (items.length === 0 && !(await backlog.wait(signal, POLL_MS))) {
      if (signal.aborted) return
      await refresh()
      fromStore = true
    }
  }
}

/** The lines that follow `next - 1` without a gap. */
function takeFrom(items: readonly LogLine[], next: number): LogLine[] {
  const lines: LogLine[] = []
  for (const line of items) {
    if (line.number === next + lines.length) lines.push(line)
  }
  return lines
}

/** Whether this attempt's log is final. */
export function isLogComplete(job: JobView, attempt: number): boolean {
  const found = job.attempts.find(({ number }) => number === attempt)
  if (found) return found.status === 'finished'
  return job.attempt > attempt || job.status === 'finished'
}
