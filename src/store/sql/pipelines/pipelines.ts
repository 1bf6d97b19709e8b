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
import { isPostgres } from '../rows.ts'
import type { Db, PipelineRow, RepositoryRow } from '../tables.ts'
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
    // As the partial index says it.
    .where('status', '<>', 'finished')
    .execute()
  return rows.map(({ id, term }) => ({ id: id as PipelineId, term }))
}

export async function createPipeline(db: Db, pipeline: NewPipeline): Promise<CreatedPipeline> {
  const locked = await lockRepositoryOf(db, pipeline.eventId)
  const repository = repositoryOf(locked)
  // Looked for under the lock: whoever made it a moment ago has committed. An event that waits has none.
  const isFirst = (await endWaiting(db, { id: pipeline.eventId })).numAffectedRows === 1n
  const existing = isFirst ? undefined : await findExisting(db, pipeline)
  if (existing) return { pipeline: existing, repository, created: false }
  if (locked.removed_at !== null && !pipeline.rerunOf) {
    const message = `${pipeline.eventId} is not built: its repository was removed`
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
  if (!row) throw new NarwhalError('internal', `${pipeline.id} was not kept`)
  return { pipeline: pipelineOf(row), repository, created: true }
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

/** The repository's row is the lock under which its numbers are given out. */
async function lockRepositoryOf(db: Db, eventId: EventId): Promise<RepositoryRow> {
  const [row] = (await lockRepository(db, { eventId })).rows
  if (!row) throw new NarwhalError('not_found', `there is no commit event ${eventId}`)
  return row
}

const lockRepository = hotQuery((db, { eventId }: { eventId: EventId }) =>
  db
    .selectFrom('repositories')
    .selectAll()
    .where('repositories.id', '=', (select) =>
      select.selectFrom('commit_events').select('repository_id').where('id', '=', eventId),
    )
    // The weakest lock that excludes itself: rows that refer to the repository are written meanwhile.
    .$if(isPostgres(db), (query) => query.forNoKeyUpdate()),
)

/** By its id (the same call, repeated), or the one that the event has already. */
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
    const { name, status, outcome, state, problems, phases } = values
    const { concurrency, approval, approval_since, included, target, version, id, former } = values
    const { changed_files } = values
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
    concurrency: pipeline.concurrency ? JSON.stringify(pipeline.concurrency) : null,
    approval: pipeline.approval ? JSON.stringify(pipeline.approval) : null,
    approval_since: awaitingSince(pipeline),
    target: pipeline.target ? JSON.stringify(pipeline.target) : null,
    changed_files: pipeline.changed ? JSON.stringify(pipeline.changed) : null,
    included: pipeline.included ? JSON.stringify(pipeline.included) : null,
    version,
    id: pipeline.id,
    former: pipeline.version,
  })
  if (numAffectedRows === 0n) {
    const message = `${pipeline.id} is not there in version ${pipeline.version}; read it again`
    throw new NarwhalError('conflict', message)
  }
  await notePipeline(db, pipeline)
  return { ...pipeline, version }
}

/** Since when it waits for approval; what was cancelled meanwhile does not. */
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
    ...(row.approval ? { approval: JSON.parse(row.approval) as Approval } : {}),
    ...present({ rerunOf: row.rerun_of as PipelineId | null, startedBy: row.started_by }),
    createdAt: row.created_at,
    ...(row.hold === null ? {} : { hold: JSON.parse(row.hold) as Hold }),
    ...present({ dispatcherId: row.dispatcher_id as DispatcherId | null }),
    term: row.term,
    ...(row.concurrency === null
      ? {}
      : { concurrency: JSON.parse(row.concurrency) as Concurrency }),
    ...(row.included === null ? {} : { included: JSON.parse(row.included) as IncludedSource[] }),
    ...(row.target === null ? {} : { target: JSON.parse(row.target) as TargetJobs }),
    ...(row.changed_files === null
      ? {}
      : { changed: JSON.parse(row.changed_files) as ChangedFiles }),
    version: row.version,
  }
}
