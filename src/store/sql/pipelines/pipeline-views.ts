import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { PipelineView } from '../../../contract/rest/views.ts'
import type { CommitEvent, EventDetails } from '../../../core/commit-event.ts'
import type { EventId, PipelineId } from '../../../core/ids.ts'
import type { SerialQueue } from '../../../lib/async/serial-queue.ts'
import { present } from '../../../lib/present.ts'
import { type AwaitingQuery, isSearch, type PipelineFilter } from '../../ports/pipelines.ts'
import { pipelineView } from '../../views.ts'
import { batches, isPostgres, parsed } from '../rows.ts'
import type { Db, PipelineRow } from '../tables.ts'
import { trustOf } from './event-rows.ts'
import { pipelineOf } from './pipelines.ts'

export async function findPipelineView(db: Db, id: PipelineId): Promise<PipelineView | undefined> {
  const row = await withEvent(db).where('pipelines.id', '=', id).executeTakeFirst()
  return row && pipelineViewOf(row)
}

/** The pipelines with the ids, in no particular order. */
export async function pipelineViewsOf(db: Db, ids: readonly PipelineId[]): Promise<PipelineView[]> {
  const views: PipelineView[] = []
  for (const batch of batches(ids)) {
    const rows = await withEvent(db).where('pipelines.id', 'in', batch).execute()
    views.push(...rows.map(pipelineViewOf))
  }
  return views
}

/** Newest first: by creation time, then (within a millisecond) by number. */
export async function listPipelineViews(
  db: Db,
  filter: PipelineFilter,
  searching: Searching,
): Promise<PipelineView[]> {
  if (!isSearch(filter)) return (await filtered(db, filter).execute()).map(pipelineViewOf)
  return await searchInSteps(db, filter, searching)
}

export interface Searching {
  /** The steps of all searches of one SQLite database. */
  readonly steps: SerialQueue
  readonly signal?: AbortSignal | undefined
}

/** How many pipelines a search scans in one step: a millisecond or two of the database. */
const STEP = { sqlite: 250, postgres: 20_000 }
const LONGEST_REST_MS = 20

/**
 * A search with few results has to scan everything, and SQLite does so on this thread. So it scans
 * ranges of the index, newest first, one step of one search at a time, and after each step yields for
 * as long as the step took.
 */
async function searchInSteps(
  db: Db,
  filter: PipelineFilter,
  { steps, signal }: Searching,
): Promise<PipelineView[]> {
  const found: PipelineView[] = []
  let rest: PipelineFilter | undefined = filter
  const step = async (): Promise<void> => {
    signal?.throwIfAborted()
    const limit = filter.limit - found.length
    const { views, last } = await searchStep(db, { ...filter, ...rest, limit })
    found.push(...views)
    rest = last && found.length < filter.limit ? { ...filter, before: last } : undefined
  }
  while (rest) {
    if (isPostgres(db)) await step()
    else await steps.run(() => withRest(step))
  }
  return found
}

/** Sleeps after the step, rather than only yielding, to leave the processor to other processes too. */
async function withRest(step: () => Promise<void>): Promise<void> {
  const startedAt = performance.now()
  await step()
  await sleep(Math.min(LONGEST_REST_MS, performance.now() - startedAt))
}

/** `last`: where the next step continues; undefined: this was the last step. */
async function searchStep(
  db: Db,
  filter: PipelineFilter,
): Promise<{ readonly views: PipelineView[]; readonly last: PipelineId | undefined }> {
  const last = await lastOfStep(db, filter, isPostgres(db) ? STEP.postgres : STEP.sqlite)
  const query = filtered(db, filter)
  const rows = await (last ? query.where(isNotOlderThan(last)) : query).execute()
  return { views: rows.map(pipelineViewOf), last }
}

/** The last of the next `step` pipelines, by an index-only scan; undefined: there are fewer. */
async function lastOfStep(
  db: Db,
  { repositoryId, repositoryIds, status, before }: PipelineFilter,
  step: number,
): Promise<PipelineId | undefined> {
  let query = db.selectFrom('pipelines').select('id')
  if (repositoryId !== undefined) query = query.where('repository_id', '=', repositoryId)
  if (repositoryIds) query = query.where('repository_id', 'in', repositoryIds)
  if (status !== undefined) query = query.where('status', '=', status)
  if (before !== undefined) query = query.where(isOlderThan(before))
  const row = await query
    .orderBy('created_at', 'desc')
    .orderBy('number', 'desc')
    .orderBy('id', 'desc')
    .offset(step - 1)
    .limit(1)
    .executeTakeFirst()
  return row?.id as PipelineId | undefined
}

function filtered(db: Db, filter: PipelineFilter) {
  let query = withEvent(db)
  const { repositoryId, repositoryIds, status, outcome, ref, kind, author, text, before } = filter
  if (repositoryId !== undefined) query = query.where('pipelines.repository_id', '=', repositoryId)
  if (repositoryIds) query = query.where('pipelines.repository_id', 'in', repositoryIds)
  if (status !== undefined) query = query.where('pipelines.status', '=', status)
  if (outcome !== undefined) query = query.where('pipelines.outcome', '=', outcome)
  if (ref !== undefined) query = query.where('commit_events.ref', 'in', fullRefs(ref))
  if (kind !== undefined) query = query.where('commit_events.kind', '=', kind)
  if (author !== undefined) query = query.where('commit_events.author', '=', author)
  if (text) query = query.where(containsText(db, text))
  if (before !== undefined) query = query.where(isOlderThan(before))
  return query
    .orderBy('pipelines.created_at', 'desc')
    .orderBy('pipelines.number', 'desc')
    .orderBy('pipelines.id', 'desc')
    .limit(filter.limit)
}

/** By the partial index: most pipelines need no approval. */
export async function listAwaiting(db: Db, query: AwaitingQuery): Promise<PipelineView[]> {
  const { repositoryId, repositoryIds, ref, belowNumber, before, isClosed, limit } = query
  let found = withEvent(db).where('pipelines.approval_since', 'is not', null)
  if (repositoryId !== undefined) found = found.where('pipelines.repository_id', '=', repositoryId)
  if (repositoryIds) found = found.where('pipelines.repository_id', 'in', repositoryIds)
  if (ref !== undefined) found = found.where('commit_events.ref', '=', ref)
  if (belowNumber !== undefined) found = found.where('pipelines.number', '<', belowNumber)
  if (before !== undefined) found = found.where('pipelines.approval_since', '<', before)
  if (isClosed) {
    found = found
      .where('commit_events.closed_at', 'is not', null)
      .where((is) =>
        is.or([
          is('pipelines.rerun_of', 'is', null),
          is('pipelines.created_at', '<=', is.ref('commit_events.closed_at')),
        ]),
      )
  }
  const rows = await found
    .orderBy('pipelines.approval_since')
    .orderBy('pipelines.id')
    .limit(limit)
    .execute()
  return rows.map(pipelineViewOf)
}

/** Not LIKE: its wildcards need escaping, and the databases differ in case folding. */
function containsText(db: Db, text: string) {
  const needle = text.toLowerCase()
  const position = sql.raw(isPostgres(db) ? 'strpos' : 'instr')
  return sql<boolean>`(${position}(commit_events.search_text, ${needle}) > 0
    or ${position}(repositories.name_key, ${needle}) > 0
    or ${position}(commit_events.sha, ${needle}) = 1)`
}

function isOlderThan(id: PipelineId) {
  return sql<boolean>`(pipelines.created_at, pipelines.number, pipelines.id) <
    (select created_at, number, id from pipelines where id = ${id})`
}

function isNotOlderThan(id: PipelineId) {
  return sql<boolean>`(pipelines.created_at, pipelines.number, pipelines.id) >=
    (select created_at, number, id from pipelines where id = ${id})`
}

/** Pipelines, each with its event and its repository's name. */
export function withEvent(db: Db) {
  return db
    .selectFrom('pipelines')
    .innerJoin('commit_events', 'commit_events.id', 'pipelines.event_id')
    .innerJoin('repositories', 'repositories.id', 'pipelines.repository_id')
    .selectAll('pipelines')
    .select([
      'commit_events.kind',
      'commit_events.ref',
      'commit_events.sha',
      'commit_events.title',
      'commit_events.author',
      'commit_events.source',
      'commit_events.received_at',
      'commit_events.trust',
      'commit_events.details',
      'repositories.name as repository_name',
    ])
}

export interface PipelineWithEvent extends PipelineRow {
  kind: string
  ref: string
  sha: string
  title: string
  author: string
  source: string
  received_at: number
  trust: string
  details: string | null
  repository_name: string
}

export function pipelineViewOf(row: PipelineWithEvent): PipelineView {
  const event = {
    id: row.event_id as EventId,
    kind: row.kind as CommitEvent['kind'],
    ref: row.ref,
    sha: row.sha,
    title: row.title,
    author: row.author,
    source: row.source as CommitEvent['source'],
    receivedAt: row.received_at,
    trust: trustOf(row),
    ...present({ details: parsed(row.details) as EventDetails | null }),
  }
  return pipelineView(pipelineOf(row), event, row.repository_name)
}

/** A short name may be a branch or a tag. */
function fullRefs(ref: string): string[] {
  return ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`, ref]
}
