import type { CommitEvent, EventDetails, Trust } from '../../../core/commit-event.ts'
import type { EventId, RepositoryId } from '../../../core/ids.ts'
import { type FormerTrust, trustOfFormer } from '../../../core/stranger/stranger.ts'
import { present } from '../../../lib/present.ts'
import { jsonOf, parsed } from '../rows.ts'
import type { CommitEventRow } from '../tables.ts'
import { textKey } from '../text.ts'

/** Where an event belongs among those of its ref. */
export interface EventPlace {
  readonly commitKey: string
  readonly gapKey: string | null
  /** Whether it is the first at its commit. */
  readonly isFirst: boolean
}

export function rowOf(
  event: CommitEvent,
  { commitKey, gapKey, isFirst }: EventPlace,
): Omit<CommitEventRow, 'ended_reason' | 'closed_at'> {
  return {
    id: event.id,
    repository_id: event.repositoryId,
    semantic_key: isFirst ? commitKey : textKey(`${commitKey} ${event.id}`),
    commit_key: commitKey,
    gap_key: gapKey,
    kind: event.kind,
    ref: event.ref,
    sha: event.sha,
    before_sha: event.before ?? null,
    stamp: event.stamp ?? null,
    occurrence: event.occurrence ?? null,
    title: event.title,
    author: event.author,
    trust: JSON.stringify(event.trust),
    details: jsonOf(event.details),
    source: event.source,
    received_at: event.receivedAt,
    pending: 1,
    search_text: searchText(event),
  }
}

export function searchText({
  title,
  ref,
  author,
}: Pick<CommitEvent, 'title' | 'ref' | 'author'>): string {
  return [title, ref, author].join('\n').toLowerCase()
}

export function eventOf(row: CommitEventRow): CommitEvent {
  return {
    id: row.id as EventId,
    repositoryId: row.repository_id as RepositoryId,
    kind: row.kind as CommitEvent['kind'],
    ref: row.ref,
    sha: row.sha,
    title: row.title,
    author: row.author,
    trust: trustOf(row),
    source: row.source as CommitEvent['source'],
    receivedAt: row.received_at,
    ...present({
      before: row.before_sha,
      stamp: row.stamp,
      occurrence: row.occurrence,
      details: parsed(row.details) as EventDetails | null,
    }),
  }
}

/** Earlier versions wrote whether it came from a fork, and fewer facts. */
export function trustOf({
  trust,
  kind,
  ref,
}: Pick<CommitEventRow, 'trust' | 'kind' | 'ref'>): Trust {
  const read = JSON.parse(trust) as Trust | FormerTrust
  if (!('fromFork' in read)) return read
  return trustOfFormer({ kind: kind as CommitEvent['kind'], ref }, read)
}
