import type { StateChange } from '../../contract/live/live-event.ts'
import type { JobView, PipelineView, RunnerView } from '../../contract/rest/views.ts'
import type { JobId, PipelineId, RunnerId } from '../../core/ids.ts'
import { unreachable } from '../../lib/reach/unreachable.ts'
import type { ChangeQuery, ChangeReader, ChangeWriter } from '../ports/changes.ts'
import { batches } from './rows.ts'
import type { Db, StateChangeRow } from './tables.ts'

export function changeReader(db: Db): ChangeReader {
  return {
    list: (query) => listChanges(db, query),
    last: () => lastChange(db),
  }
}

export function changeWriter(db: Db): ChangeWriter {
  return { ...changeReader(db), prune: (keep) => pruneChanges(db, keep) }
}

/** The id types of the kinds of subjects. */
export interface SubjectIds {
  pipeline: PipelineId
  job: JobId
  runner: RunnerId
}

/** Collects the subjects that a transaction changes. */
export interface ChangedIds {
  add<Kind extends keyof SubjectIds>(kind: Kind, id: SubjectIds[Kind]): void
}

/** A changed subject with its new view. */
export type Changed =
  | { readonly kind: 'pipeline'; readonly view: PipelineView }
  | { readonly kind: 'job'; readonly view: JobView }
  | { readonly kind: 'runner'; readonly view: RunnerView }

/**
 * Numbers and stores the changes; a transaction's last step. The counter's row stays locked until the
 * commit, so that numbers become visible in ascending order and without gaps; as the last lock taken
 * it can't cause a deadlock.
 */
export async function appendChanges(db: Db, changed: readonly Changed[]): Promise<StateChange[]> {
  if (changed.length === 0) return []
  const { last } = await db
    .updateTable('change_counter')
    .set((is) => ({ last: is('last', '+', changed.length) }))
    .returning('last')
    .executeTakeFirstOrThrow()
  const first = last - changed.length + 1
  const at = Date.now()
  const rows = changed.map(({ kind, view }, index) => ({
    seq: first + index,
    kind,
    subject_id: view.id,
    pipeline_id: pipelineOf({ kind, view } as Changed),
    data: JSON.stringify(view),
    at,
  }))
  for (const batch of batches(rows)) await db.insertInto('state_changes').values(batch).execute()
  return changed.map((change, index) => changeOf(first + index, change))
}

function pipelineOf({ kind, view }: Changed): string | null {
  if (kind === 'runner') return null
  return kind === 'job' ? view.pipelineId : view.id
}

function changeOf(seq: number, { kind, view }: Changed): StateChange {
  switch (kind) {
    case 'pipeline':
      return { type: 'pipeline.changed', seq, pipeline: view }
    case 'job':
      return { type: 'job.changed', seq, job: view }
    case 'runner':
      return { type: 'runner.changed', seq, runner: view }
    default:
      return unreachable(kind)
  }
}

async function listChanges(
  db: Db,
  { after, limit, scope }: ChangeQuery,
): Promise<{ changes: StateChange[]; truncated: boolean }> {
  let query = db
    .selectFrom('state_changes')
    .select(['seq', 'kind', 'data'])
    .where('seq', '>', after)
  if (scope === 'runners') query = query.where('pipeline_id', 'is', null)
  else if (scope) query = query.where('pipeline_id', '=', scope.pipelineId)
  const rows = await query.orderBy('seq').limit(limit).execute()
  // Read afterwards: changes pruned between the two queries are then reported as truncated.
  return { changes: rows.map(parseChange), truncated: after + 1 < (await firstKept(db)) }
}

function parseChange(row: Pick<StateChangeRow, 'seq' | 'kind' | 'data'>): StateChange {
  return changeOf(row.seq, { kind: row.kind, view: JSON.parse(row.data) } as Changed)
}

async function firstKept(db: Db): Promise<number> {
  const row = await db
    .selectFrom('change_counter')
    .select((is) => [
      'last',
      is
        .selectFrom('state_changes')
        .select((on) => on.fn.min('seq').as('first'))
        .as('first'),
    ])
    .executeTakeFirstOrThrow()
  return row.first ?? row.last + 1
}

async function lastChange(db: Db): Promise<number> {
  const { last } = await db.selectFrom('change_counter').select('last').executeTakeFirstOrThrow()
  return last
}

async function pruneChanges(db: Db, keep: number): Promise<void> {
  await db
    .deleteFrom('state_changes')
    .where('seq', '<=', (await lastChange(db)) - keep)
    .execute()
}
