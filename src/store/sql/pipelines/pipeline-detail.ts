import type { PipelineId } from '../../../core/ids.ts'
import type { PipelineDetail } from '../../records.ts'
import { repositoryOf } from '../repositories.ts'
import type { Db } from '../tables.ts'
import { findEvent } from './commit-events.ts'
import { listJobs } from './jobs.ts'
import { findPipelineRecord } from './pipelines.ts'

/** A consistent snapshot, read by several statements. */
export async function findPipelineDetail(
  db: Db,
  id: PipelineId,
): Promise<PipelineDetail | undefined> {
  if (db.isTransaction) return readDetail(db, id)
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((snapshot) => readDetail(snapshot, id))
}

async function readDetail(db: Db, id: PipelineId): Promise<PipelineDetail | undefined> {
  const pipeline = await findPipelineRecord(db, id)
  if (!pipeline) return undefined
  const event = await findEvent(db, pipeline.eventId)
  // Also a removed one.
  const repository = await db
    .selectFrom('repositories')
    .selectAll()
    .where('id', '=', pipeline.repositoryId)
    .executeTakeFirst()
  if (!event || !repository) return undefined
  return {
    pipeline,
    event,
    repository: repositoryOf(repository),
    jobs: await listJobs(db, { pipelineId: id }),
  }
}
