import type { CommitEvent } from '../../../core/commit-event.ts'
import { SUPERSEDED_IN } from '../../../core/concurrency/concurrency.ts'
import type { UntestedBase } from '../../records.ts'
import type { CommitEventRow, Db } from '../tables.ts'
import { eventOf } from './event-rows.ts'
import { keyAt } from './ref-moves.ts'

/** Moves that are followed back, at most. */
const MOST = 100

/** As of `PipelineReader.findUntestedBase`. */
export async function findUntestedBase(
  db: Db,
  event: CommitEvent,
): Promise<UntestedBase | undefined> {
  const seen = new Set([event.id])
  let untested: UntestedBase | undefined
  let at = event
  while (seen.size <= MOST) {
    const former = await eventBefore(db, at)
    if (!former || seen.has(former.id) || (await isTested(db, former))) return untested
    seen.add(former.id)
    const base = former.details?.base
    untested = base === undefined ? {} : { base }
    if (base === undefined) return untested
    at = former
  }
  return untested
}

/** The event that had brought the ref where this one began. */
async function eventBefore(
  db: Db,
  { repositoryId, ref, kind, before, details }: CommitEvent,
): Promise<CommitEvent | undefined> {
  const sha = before ?? details?.base
  if (kind !== 'push' || !sha) return undefined
  const row: CommitEventRow | undefined = await db
    .selectFrom('commit_events')
    .selectAll()
    .where('commit_key', '=', keyAt({ repositoryId, ref }, sha))
    .where('kind', '=', 'push')
    .orderBy('received_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && eventOf(row)
}

/** Whether a pipeline of it has ended otherwise than by being superseded. */
async function isTested(db: Db, { id }: CommitEvent): Promise<boolean> {
  const superseded = `%"${SUPERSEDED_IN}%`
  const row = await db
    .selectFrom('pipelines')
    .select('pipelines.id')
    .where('event_id', '=', id)
    .where('status', '=', 'finished')
    .where('state', 'not like', superseded)
    .where((is) =>
      is.not(
        is.exists(
          is
            .selectFrom('jobs')
            .select('jobs.id')
            .whereRef('jobs.pipeline_id', '=', 'pipelines.id')
            .where('jobs.outcome', '=', 'cancelled')
            .where('jobs.state', 'like', superseded),
        ),
      ),
    )
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
