import type { EventAction } from '../../../core/event-actions.ts'
import type { EventId } from '../../../core/ids.ts'
import type { Db } from '../tables.ts'
import { eventOf } from './event-rows.ts'

/** An event that nothing selects is not kept; its deliveries say why. */
export async function dropEvent(db: Db, id: EventId, reason: string): Promise<boolean> {
  const pending = await db
    .selectFrom('commit_events')
    .select('id')
    .where('id', '=', id)
    .where('pending', '=', 1)
    .where((is) =>
      is.not(
        is.exists(is.selectFrom('pipelines').select('pipelines.id').where('event_id', '=', id)),
      ),
    )
    .executeTakeFirst()
  if (!pending) return false
  await db
    .updateTable('deliveries')
    .set({ event_id: null, disposition: 'ignored', reason })
    .where('event_id', '=', id)
    .execute()
  await db.deleteFrom('commit_events').where('id', '=', id).execute()
  return true
}

/** Written with the pipeline, so that its status has a name of its own from the beginning. */
export async function setEventPart(db: Db, id: EventId, part: EventAction): Promise<void> {
  const row = await db
    .selectFrom('commit_events')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row) return
  await db
    .updateTable('commit_events')
    .set({ details: JSON.stringify({ ...eventOf(row).details, part }) })
    .where('id', '=', id)
    .execute()
}
