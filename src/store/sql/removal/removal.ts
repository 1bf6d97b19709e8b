import { sql } from 'kysely'
import type { PipelineId } from '../../../core/ids.ts'
import type { Removal } from '../../../core/keeping.ts'
import type { Db } from '../tables.ts'

/** Jobs removed in one step, each with its attempts. */
const STEP_JOBS = 20

/** Removes some jobs of a pipeline without logs, with their attempts; returns their number. */
export async function removeSomeJobs(db: Db, id: PipelineId, removal: Removal): Promise<number> {
  const jobs = await db
    .selectFrom('jobs')
    .select('id')
    .where('pipeline_id', '=', id)
    .limit(STEP_JOBS)
    .execute()
  const ids = jobs.map((job) => job.id)
  if (ids.length === 0) return 0
  await db.deleteFrom('group_members').where('id', 'in', ids).execute()
  await db.deleteFrom('attempts').where('job_id', 'in', ids).execute()
  await db.deleteFrom('jobs').where('id', 'in', ids).execute()
  await noteRemoved(db, ids, removal)
  return ids.length
}

/**
 * Removes a pipeline without jobs. Its commit event is removed with its last pipeline, unless a ref of
 * the repository points to the commit: the next poll would take it for new.
 */
export async function removeWithEvent(db: Db, id: PipelineId, removal: Removal): Promise<number> {
  const row = await db
    .selectFrom('pipelines')
    .innerJoin('commit_events', 'commit_events.id', 'pipelines.event_id')
    .select(['event_id', 'commit_events.repository_id', 'ref', 'sha'])
    .where('pipelines.id', '=', id)
    .executeTakeFirst()
  if (!row) return 0
  await db.deleteFrom('group_members').where('pipeline_id', '=', id).execute()
  await db
    .deleteFrom('told_statuses')
    .where('repository_id', '=', row.repository_id)
    .where('sha', '=', row.sha)
    .where('pipeline_id', '=', id)
    .execute()
  await db.deleteFrom('pipelines').where('id', '=', id).execute()
  await noteRemoved(db, [id], removal)
  const { rows } = await sql`
    select 1 where exists (select 1 from pipelines where event_id = ${row.event_id})
      or exists (select 1 from heads h join repositories r on r.id = h.repository_id
        where h.repository_id = ${row.repository_id} and h.ref = ${row.ref}
          and h.sha = ${row.sha} and r.removed_at is null)`.execute(db)
  if (rows.length > 0) return 1
  await db.deleteFrom('deliveries').where('event_id', '=', row.event_id).execute()
  await db.deleteFrom('commit_events').where('id', '=', row.event_id).execute()
  return 2
}

async function noteRemoved(db: Db, ids: readonly string[], removal: Removal): Promise<void> {
  const { at, rule } = removal
  await db
    .insertInto('removed_items')
    .values(ids.map((id) => ({ id, at, rule })))
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
}
