import type { JobId, PipelineId } from '../../../core/ids.ts'
import type { PlacedAttempt } from '../../records.ts'
import type { Db } from '../tables.ts'
import { attemptOf } from './attempts.ts'

/** Attempts of all jobs, most recently placed first. */
export async function listPlacements(db: Db, limit: number): Promise<PlacedAttempt[]> {
  const rows = await db
    .selectFrom('attempts')
    .innerJoin('jobs', 'jobs.id', 'attempts.job_id')
    .innerJoin('repositories', 'repositories.id', 'jobs.repository_id')
    .selectAll('attempts')
    .select(['jobs.pipeline_id', 'jobs.name as job_name', 'repositories.name as repository_name'])
    .orderBy('attempts.assigned_at', 'desc')
    .orderBy('attempts.job_id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ pipeline_id, job_name, repository_name, ...row }) => ({
    jobId: row.job_id as JobId,
    pipelineId: pipeline_id as PipelineId,
    jobName: job_name,
    repositoryName: repository_name,
    attempt: attemptOf(row),
  }))
}
