import type { Attempt } from '../../../core/attempt/attempt.ts'
import type { Concurrency } from '../../../core/concurrency/concurrency.ts'
import type { JobId, PipelineId, RepositoryId } from '../../../core/ids.ts'
import type { Job } from '../../../core/job/job.ts'
import type { JobState } from '../../../core/job/job-state.ts'
import type { JobSpec } from '../../../core/plan/plan.ts'
import { isStranger } from '../../../core/stranger/stranger.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import type { JobReader, JobWriter, QueuedJob } from '../../ports/jobs.ts'
import { jobView } from '../../views.ts'
import { hotQuery } from '../hot-query.ts'
import { batches, parsed } from '../rows.ts'
import type { ChangedIds } from '../state-changes.ts'
import type { AttemptRow, Db, JobRow } from '../tables.ts'
import { attemptOf, saveAttempt } from './attempts.ts'
import { trustOf } from './event-rows.ts'
import { insertMembers, leaveGroup, noteJob } from './groups.ts'
import { listPlacements } from './placements.ts'

export function jobReader(db: Db): JobReader {
  return {
    find: (id) => findJob(db, id),
    findView: async (id) => {
      const job = await findJob(db, id)
      return job && jobView(job)
    },
    listQueued: (limit) => listQueuedJobs(db, limit),
    listViews: async (pipelineId) => (await listJobs(db, { pipelineId })).map(jobView),
    listPlacements: (limit) => listPlacements(db, limit),
  }
}

export function jobWriter(db: Db, changed: ChangedIds): JobWriter {
  return {
    ...jobReader(db),
    insert: async (jobs) => {
      await insertJobs(db, jobs)
      for (const job of jobs) changed.add('job', job.id)
    },
    replan: async (job) => {
      await replanJob(db, job)
      changed.add('job', job.id)
    },
    save: async (job, attempts) => {
      const saved = await saveJob(db, job, attempts)
      changed.add('job', saved.id)
      return saved
    },
  }
}

async function findJob(db: Db, id: JobId): Promise<Job | undefined> {
  const [job] = await listJobs(db, { ids: [id] })
  return job
}

/** The jobs of a pipeline in the order of the file, or those with the ids in no particular order. */
export async function listJobs(
  db: Db,
  which: { readonly pipelineId: PipelineId } | { readonly ids: readonly JobId[] },
): Promise<Job[]> {
  if ('pipelineId' in which) {
    const ofPipeline = withAttempts(db).where('pipeline_id', '=', which.pipelineId)
    return jobsOf(await ofPipeline.execute())
  }
  const jobs: Job[] = []
  for (const batch of batches(which.ids)) {
    jobs.push(...jobsOf(await withAttempts(db).where('id', 'in', batch).execute()))
  }
  return jobs
}

async function listQueuedJobs(db: Db, limit: number): Promise<QueuedJob[]> {
  const rows = await db
    .selectFrom('jobs')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .innerJoin('repositories', 'repositories.id', 'jobs.repository_id')
    .innerJoin('commit_events', 'commit_events.id', 'pipelines.event_id')
    .select([
      'jobs.id',
      'repositories.name',
      'pipelines.concurrency',
      'commit_events.trust',
      'commit_events.kind',
      'commit_events.ref',
    ])
    .where('pipelines.status', '<>', 'finished')
    .where('jobs.status', '=', 'queued')
    .orderBy('pipelines.created_at')
    .orderBy('jobs.position')
    .limit(limit)
    .execute()
  const known = new Map(rows.map((row) => [row.id, row]))
  const jobs = await listJobs(db, { ids: rows.map(({ id }) => id as JobId) })
  return jobs.map((job) => {
    const row = known.get(job.id)
    const { name = '', concurrency = null } = row ?? {}
    const group = present({ concurrency: parsed(concurrency) as Concurrency | null })
    return { job, repositoryName: name, ...group, isStranger: !row || isStranger(trustOf(row)) }
  })
}

/** One statement, so that a job and its attempts are consistent. */
function withAttempts(db: Db) {
  return db
    .selectFrom('jobs')
    .leftJoin('attempts', 'attempts.job_id', 'jobs.id')
    .selectAll('jobs')
    .select([
      'attempts.job_id',
      'attempts.number',
      'attempts.runner_id',
      'attempts.fence as attempt_fence',
      'attempts.status as attempt_status',
      'attempts.outcome as attempt_outcome',
      'attempts.reason',
      'attempts.asked_by',
      'attempts.assigned_at',
      'attempts.started_at',
      'attempts.finished_at',
      'attempts.decision',
      'attempts.phases',
      'attempts.steps',
      'attempts.outputs',
      'attempts.lines',
      'attempts.log_bytes',
      'attempts.last_seq',
      'attempts.redactions',
    ])
    .orderBy('jobs.position')
    .orderBy('jobs.id')
    .orderBy('attempts.number')
}

type Joined = JobRow &
  Nullable<Omit<AttemptRow, 'fence' | 'status' | 'outcome'>> & {
    attempt_fence: number | null
    attempt_status: string | null
    attempt_outcome: string | null
  }
type Nullable<Row> = { [Key in keyof Row]: Row[Key] | null }

/** Rows of one job are adjacent. */
function jobsOf(rows: readonly Joined[]): Job[] {
  const jobs: Job[] = []
  let attempts: Attempt[] = []
  for (const row of rows) {
    if (jobs.at(-1)?.id !== row.id) {
      attempts = []
      jobs.push(jobOf(row, attempts))
    }
    if (row.number === null) continue
    attempts.push(
      attemptOf({
        ...row,
        fence: row.attempt_fence,
        status: row.attempt_status,
        outcome: row.attempt_outcome,
      } as AttemptRow),
    )
  }
  return jobs
}

function jobOf(row: JobRow, attempts: readonly Attempt[]): Job {
  return {
    id: row.id as JobId,
    pipelineId: row.pipeline_id as PipelineId,
    repositoryId: row.repository_id as RepositoryId,
    position: row.position,
    spec: JSON.parse(row.spec) as JobSpec,
    state: JSON.parse(row.state) as JobState,
    fence: row.fence,
    attempts,
    version: row.version,
  }
}

async function insertJobs(db: Db, jobs: readonly Job[]): Promise<void> {
  for (const batch of batches(jobs)) {
    await db
      .insertInto('jobs')
      .values(
        batch.map((job) => ({
          id: job.id,
          pipeline_id: job.pipelineId,
          repository_id: job.repositoryId,
          position: job.position,
          name: job.spec.name,
          spec: JSON.stringify(job.spec),
          ...stateColumns(job),
          version: job.version,
        })),
      )
      .execute()
  }
  for (const job of jobs) {
    for (const attempt of job.attempts) await saveAttempt(db, job.id, attempt)
  }
  await insertMembers(db, jobs)
}

async function replanJob(db: Db, job: Job): Promise<void> {
  const spec = JSON.stringify(job.spec)
  await db.updateTable('jobs').set({ spec }).where('id', '=', job.id).execute()
  await leaveGroup(db, job.id)
  await insertMembers(db, [job])
}

type StateColumns = Pick<JobRow, 'status' | 'outcome' | 'state' | 'fence'>

const updateJob = hotQuery(
  (db, values: StateColumns & { version: number; id: JobId; former: number }) => {
    const { status, outcome, state, fence, version, id, former } = values
    return db
      .updateTable('jobs')
      .set({ status, outcome, state, fence, version })
      .where('id', '=', id)
      .where('version', '=', former)
  },
)

async function saveJob(db: Db, job: Job, changed: readonly number[]): Promise<Job> {
  const version = job.version + 1
  const values = { ...stateColumns(job), version, id: job.id, former: job.version }
  const { numAffectedRows } = await updateJob(db, values)
  if (numAffectedRows === 0n) {
    const message = `${job.id} has no version ${job.version}; read it again`
    throw new NarwhalError('conflict', message)
  }
  await noteJob(db, job)
  const attempts: Attempt[] = []
  for (const attempt of job.attempts) {
    const isChanged = changed.includes(attempt.number)
    attempts.push(isChanged ? await saveAttempt(db, job.id, attempt) : attempt)
  }
  const unknown = changed.find((number) => !attempts.some((attempt) => attempt.number === number))
  if (unknown !== undefined) {
    throw new NarwhalError('internal', `${job.id} has no attempt ${unknown} to save`)
  }
  return { ...job, attempts, version }
}

function stateColumns({ state, fence }: Job): StateColumns {
  return {
    status: state.status,
    outcome: state.status === 'finished' ? state.outcome : null,
    state: JSON.stringify(state),
    fence,
  }
}
