import type { Phase } from '../../../core/attempt/attempt.ts'
import type { Concurrency } from '../../../core/concurrency/concurrency.ts'
import type { DispatcherId, EventId, PipelineId, RepositoryId } from '../../../core/ids.ts'
import type { Hold } from '../../../core/keeping.ts'
import { type Approval, isHeldBack } from '../../../core/pipeline/approval.ts'
import type { Pipeline, PipelineState } from '../../../core/pipeline/pipeline.ts'
import type { IncludedSource, Problem } from '../../../core/plan/plan.ts'
import type { TargetJobs } from '../../../core/plan/target-jobs.ts'
import type { ChangedFiles } from '../../../core/stranger/changed-files.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import type { CreatedPipeline, NewPipeline } from '../../records.ts'
import { hotQuery } from '../hot-query.ts'
import { repositoryOf } from '../repositories.ts'
import type { RepositoryRow } from '../repository-row.ts'
import { isPostgres, jsonOf, parsed } from '../rows.ts'
import type { Db, PipelineRow } from '../tables.ts'
import { notePipeline } from './groups.ts'

export async function findPipelineRecord(db: Db, id: PipelineId): Promise<Pipeline | undefined> {
  const row = await db.selectFrom('pipelines').selectAll().where('id', '=', id).executeTakeFirst()
  return row && pipelineOf(row)
}

export async function listPipelinesOfDispatcher(
  db: Db,
  by: DispatcherId,
): Promise<{ id: PipelineId; term: number }[]> {
  const rows = await db
    .selectFrom('pipelines')
    .select(['id', 'term'])
    .where('dispatcher_id', '=', by)
    // Exactly as in the partial index.
    .where('status', '<>', 'finished')
    .execute()
  return rows.map(({ id, term }) => ({ id: id as PipelineId, term }))
}

export async function createPipeline(db: Db, pipeline: NewPipeline): Promise<CreatedPipeline> {
  const locked = await lockRepositoryOf(db, pipeline.eventId)
  const repository = repositoryOf(locked)
  // Searched under the lock, so that a concurrent creation is visible. A pending event has no pipeline.
  const isFirst = (await endWaiting(db, { id: pipeline.eventId })).numAffectedRows === 1n
  const existing = isFirst ? undefined : await findExisting(db, pipeline)
  if (existing) {
    const isToReplan = await hasToBeReplanned(db, pipeline.eventId)
    return {
      pipeline: existing,
      repository,
      created: false,
      ...(isToReplan ? { isToReplan: true } : {}),
    }
  }
  if (locked.removed_at !== null && !pipeline.rerunOf) {
    const message = `can't build ${pipeline.eventId}: its repository was removed`
    throw new NarwhalError('not_found', message)
  }
  const [numbered] = (await nextNumber(db, { id: locked.id })).rows
  const { rows } = await insertPipeline(db, {
    id: pipeline.id,
    repository_id: locked.id,
    event_id: pipeline.eventId,
    number: numbered?.last_number ?? 0,
    phases: JSON.stringify(pipeline.phases),
    rerun_of: pipeline.rerunOf ?? null,
    started_by: pipeline.startedBy ?? null,
    created_at: pipeline.createdAt,
    dispatcher_id: pipeline.dispatcherId ?? null,
  })
  const [row] = rows
  if (!row) throw new NarwhalError('internal', `${pipeline.id} was not written`)
  return { pipeline: pipelineOf(row), repository, created: true }
}

async function hasToBeReplanned(db: Db, id: EventId): Promise<boolean> {
  const row = await db
    .selectFrom('commit_events')
    .select('pending')
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.pending === 2
}

const endWaiting = hotQuery((db, { id }: { id: EventId }) =>
  db.updateTable('commit_events').set({ pending: 0 }).where('id', '=', id).where('pending', '=', 1),
)

const nextNumber = hotQuery((db, { id }: { id: string }) =>
  db
    .updateTable('repositories')
    .set((is) => ({ last_number: is('last_number', '+', 1) }))
    .where('id', '=', id)
    .returning('last_number'),
)

type NewRow = Pick<
  PipelineRow,
  | 'id'
  | 'repository_id'
  | 'event_id'
  | 'number'
  | 'phases'
  | 'rerun_of'
  | 'started_by'
  | 'created_at'
  | 'dispatcher_id'
>

const insertPipeline = hotQuery((db, row: NewRow) =>
  db
    .insertInto('pipelines')
    .values({
      id: row.id,
      repository_id: row.repository_id,
      event_id: row.event_id,
      number: row.number,
      name: '',
      status: 'pending',
      outcome: null,
      state: JSON.stringify({ status: 'pending' } satisfies PipelineState),
      problems: '[]',
      phases: row.phases,
      rerun_of: row.rerun_of,
      started_by: row.started_by,
      approval: null,
      hold: null,
      created_at: row.created_at,
      version: 1,
      dispatcher_id: row.dispatcher_id,
      term: 1,
    })
    .returningAll(),
)

/** Pipeline numbers are assigned under a lock of the repository's row. */
async function lockRepositoryOf(db: Db, eventId: EventId): Promise<RepositoryRow> {
  const [row] = (await lockRepository(db, { eventId })).rows
  if (!row) throw new NarwhalError('not_found', `the commit event ${eventId} does not exist`)
  return row
}

const lockRepository = hotQuery((db, { eventId }: { eventId: EventId }) =>
  db
    .selectFrom('repositories')
    .selectAll()
    .where('repositories.id', '=', (select) =>
      select.selectFrom('commit_events').select('repository_id').where('id', '=', eventId),
    )
    // The weakest lock that excludes itself: rows that refer to the repository can still be inserted.
    .$if(isPostgres(db), (query) => query.forNoKeyUpdate()),
)

/** By its id (a repeated call), or the event's existing pipeline. */
async function findExisting(db: Db, wanted: NewPipeline): Promise<Pipeline | undefined> {
  const rows = await db
    .selectFrom('pipelines')
    .selectAll()
    .where((is) => {
      const same = is('id', '=', wanted.id)
      if (wanted.rerunOf) return same
      return is.or([
        same,
        is.and([is('event_id', '=', wanted.eventId), is('rerun_of', 'is', null)]),
      ])
    })
    .limit(1)
    .execute()
  return rows[0] && pipelineOf(rows[0])
}

type ChangingColumns = Pick<
  PipelineRow,
  | 'name'
  | 'status'
  | 'outcome'
  | 'state'
  | 'problems'
  | 'phases'
  | 'concurrency'
  | 'approval'
  | 'included'
  | 'approval_since'
  | 'target'
  | 'changed_files'
  | 'version'
>

const updatePipeline = hotQuery(
  (db, values: ChangingColumns & { id: PipelineId; former: number }) => {
    const { name, status, outcome, state, problems, phases, changed_files } = values
    const { concurrency, approval, approval_since, included, target, version, id, former } = values
    const changing = { name, status, outcome, state, problems, phases, changed_files }
    return db
      .updateTable('pipelines')
      .set({ ...changing, concurrency, approval, approval_since, included, target, version })
      .where('id', '=', id)
      .where('version', '=', former)
  },
)

export async function savePipeline(db: Db, pipeline: Pipeline): Promise<Pipeline> {
  const { state } = pipeline
  const version = pipeline.version + 1
  const { numAffectedRows } = await updatePipeline(db, {
    name: pipeline.name,
    status: state.status,
    outcome: state.status === 'finished' ? state.outcome : null,
    state: JSON.stringify(state),
    problems: JSON.stringify(pipeline.problems),
    phases: JSON.stringify(pipeline.phases),
    concurrency: jsonOf(pipeline.concurrency),
    approval: jsonOf(pipeline.approval),
    approval_since: awaitingSince(pipeline),
    target: jsonOf(pipeline.target),
    changed_files: jsonOf(pipeline.changed),
    included: jsonOf(pipeline.included),
    version,
    id: pipeline.id,
    former: pipeline.version,
  })
  if (numAffectedRows === 0n) {
    const message = `${pipeline.id} has no version ${pipeline.version}; read it again`
    throw new NarwhalError('conflict', message)
  }
  await notePipeline(db, pipeline)
  return { ...pipeline, version }
}

/** Since when it has waited for approval; a cancelled one does not. */
function awaitingSince(pipeline: Pipeline): number | null {
  const { approval, state } = pipeline
  if (approval?.status !== 'needed') return null
  return isHeldBack(pipeline) && state.status === 'finished' ? null : (approval.since ?? null)
}

export function pipelineOf(row: PipelineRow): Pipeline {
  return {
    id: row.id as PipelineId,
    repositoryId: row.repository_id as RepositoryId,
    eventId: row.event_id as EventId,
    number: row.number,
    name: row.name,
    state: JSON.parse(row.state) as PipelineState,
    problems: JSON.parse(row.problems) as Problem[],
    phases: JSON.parse(row.phases) as Phase[],
    createdAt: row.created_at,
    term: row.term,
    version: row.version,
    ...present({
      rerunOf: row.rerun_of as PipelineId | null,
      startedBy: row.started_by,
      dispatcherId: row.dispatcher_id as DispatcherId | null,
      approval: parsed(row.approval) as Approval | null,
      hold: parsed(row.hold) as Hold | null,
      concurrency: parsed(row.concurrency) as Concurrency | null,
      included: parsed(row.included) as IncludedSource[] | null,
      target: parsed(row.target) as TargetJobs | null,
      changed: parsed(row.changed_files) as ChangedFiles | null,
    }),
  }
}
