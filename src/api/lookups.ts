import type { AttemptView, JobView, PipelineView, RunnerView } from '../contract/views.ts'
import type { AttemptRef, JobId, PipelineId } from '../core/ids.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { RepositoryRecord } from '../store/records.ts'
import type { StoreReader } from '../store/store.ts'

/** Rejects with `not_found` and says how to see which there are. */
export async function getRepository(
  store: StoreReader,
  idOrName: string,
): Promise<RepositoryRecord> {
  const repository = await store.findRepository(idOrName)
  if (repository) return repository
  const words = `there is no repository "${idOrName}"; see \`narwhal repo list\``
  throw new NarwhalError('not_found', words)
}

/** Rejects with `not_found`. */
export async function getPipeline(store: StoreReader, id: PipelineId): Promise<PipelineView> {
  const pipeline = await store.findPipelineView(id)
  if (!pipeline) throw new NarwhalError('not_found', `there is no pipeline ${id}`)
  return pipeline
}

/** Rejects with `not_found`. */
export async function getJob(store: StoreReader, id: JobId): Promise<JobView> {
  const job = await store.findJobView(id)
  if (!job) throw new NarwhalError('not_found', `there is no job ${id}`)
  return job
}

/** An attempt that a runner was chosen for; rejects with `not_found`. */
export async function getAttempt(store: StoreReader, ref: AttemptRef): Promise<AttemptView> {
  const job = await getJob(store, ref.jobId)
  const attempt = job.attempts.find(({ number }) => number === ref.attempt)
  if (attempt) return attempt
  throw new NarwhalError('not_found', missingAttempt(job, ref.attempt))
}

/** The job of an attempt, which may be still waiting for its runner; rejects with `not_found`. */
export async function getJobOfLog(store: StoreReader, ref: AttemptRef): Promise<JobView> {
  const job = await getJob(store, ref.jobId)
  if (ref.attempt <= job.attempt) return job
  throw new NarwhalError('not_found', missingAttempt(job, ref.attempt))
}

/** By id or name; rejects with `not_found`. */
export async function getRunner(store: StoreReader, idOrName: string): Promise<RunnerView> {
  const runners = await store.listRunnerViews()
  const found = runners.find(({ id, name }) => id === idOrName || name === idOrName)
  if (found) return found
  const words = `there is no runner "${idOrName}"; see \`narwhal runner list\``
  throw new NarwhalError('not_found', words)
}

function missingAttempt(job: JobView, attempt: number): string {
  return attempt === job.attempt
    ? `attempt ${attempt} of job ${job.id} (${job.name}) waits for a runner`
    : `job ${job.id} (${job.name}) has no attempt ${attempt}; its newest is ${job.attempt}`
}
