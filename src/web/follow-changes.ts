import { Backlog } from '../api/logs/backlog.ts'
import type { StateChange } from '../contract/live/live-event.ts'
import { present } from '../lib/present.ts'
import type { ChangeQuery } from '../store/ports/changes.ts'
import type { Reads } from '../store/store.ts'
import type { LiveFeed } from './live-feed.ts'

const PAGE = 200
/** Changes buffered for a slow reader before it falls back to the store. */
const MAX_BUFFERED = 500
/** The feed misses nothing, so this is only the length of one wait. */
const MAX_WAIT_MS = 60_000

export interface ChangeBatch {
  /** Ascending, without duplicates; may be empty. */
  readonly changes: StateChange[]
  /** Some changes before these were pruned: the reader has to reload the current state. */
  readonly reset: boolean
  /** The number up to which nothing is missing, once the reader has caught up. */
  readonly live?: number
}

export interface FollowChanges {
  readonly store: Reads<'changes'>
  readonly feed: LiveFeed
  /** Absent: all. */
  readonly scope?: ChangeQuery['scope']
  /** The reader's last number; absent: only new changes. */
  readonly after?: number
  readonly signal: AbortSignal
}

/**
 * Yields the state changes after `after`: first those in the store, then those of the feed, without gaps
 * or duplicates, until the signal aborts. Reads on only on demand; a slow reader falls back to the store.
 * Rejects as the store does.
 */
export async function* followChanges(
  options: FollowChanges,
): AsyncGenerator<ChangeBatch, void, undefined> {
  const { store, feed, scope, signal } = options
  const backlog = new Backlog<StateChange>(MAX_BUFFERED)
  using _hearing = feed.listen((event) => {
    if ('seq' in event && isInScope(event, scope)) backlog.push(event, 1)
  })
  using _noticing = feed.onGap(() => backlog.miss())

  let cursor = options.after ?? feed.seq
  let fromStore = options.after !== undefined
  if (fromStore && cursor > feed.seq && cursor > (await store.changes.last())) {
    // The reader's number is from another store, or from before a restore.
    cursor = feed.seq
    yield { changes: [], reset: true }
  }
  if (!fromStore) yield { changes: [], reset: false, live: cursor }
  while (!signal.aborted) {
    if (fromStore) {
      const newest = feed.seq
      const query = { after: cursor, limit: PAGE, ...present({ scope }) }
      const { changes, truncated } = await store.changes.list(query)
      if (truncated) cursor = Math.max(newest, feed.seq)
      else cursor = changes.at(-1)?.seq ?? cursor
      if (truncated) yield { changes: [], reset: true }
      fromStore = !truncated && changes.length === PAGE
      if (!fromStore) cursor = Math.max(cursor, newest)
      if (fromStore) yield { changes, reset: false }
      else yield { changes: truncated ? [] : changes, reset: false, live: cursor }
      continue
    }
    // Before the backlog is taken: everything up to here was then yielded or is in it.
    const newest = feed.seq
    const { items, missed } = backlog.take()
    if (missed) {
      fromStore = true
      continue
    }
    const after = cursor
    const changes = items.filter(({ seq }) => seq > after)
    cursor = Math.max(cursor, newest)
    if (changes.length > 0) yield { changes, reset: false }
    else if (items.length === 0) await backlog.wait(signal, MAX_WAIT_MS)
  }
}

function isInScope(change: StateChange, scope: ChangeQuery['scope']): boolean {
  if (scope === undefined) return true
  if (scope === 'runners') return change.type === 'runner.changed'
  if (change.type === 'pipeline.changed') return change.pipeline.id === scope.pipelineId
  return change.type === 'job.changed' && change.job.pipelineId === scope.pipelineId
}
