import type { AttemptView, JobView, PipelineView, RunnerView } from '../contract/rest/views.ts'
import type { AttemptRef, JobId, PipelineId } from '../core/ids.ts'
import { removalInWords } from '../core/keeping.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { PipelineDetail, RepositoryRecord } from '../store/records.ts'
import type { Reads } from '../store/store.ts'

/** Rejects with `not_found`, and with the command that lists repositories. */
export async function getRepository(
  store: Reads<'repositories'>,
  idOrName: string,
): Promise<RepositoryRecord> {
  const repository = await store.repositories.find(idOrName)
  if (!repository) throw noRepository(idOrName)
  return repository
}

export function noRepository(idOrName: string): NarwhalError {
  const words = `there is no repository "${idOrName}"; see \`narwhal repo list\``
  return new NarwhalError('not_found', words)
}

/** Rejects with `not_found`, or `gone`. */
export async function getPipeline(
  store: Reads<'pipelines' | 'retention'>,
  id: PipelineId,
): Promise<PipelineView> {
  const pipeline = await store.pipelines.findView(id)
  if (!pipeline) throw await missing(store, id, `there is no pipeline ${id}`)
  return pipeline
}

/** A consistent snapshot with its event and jobs. Rejects as `getPipeline` does. */
export async function getPipelineDetail(
  store: Reads<'pipelines' | 'retention'>,
  id: PipelineId,
): Promise<PipelineDetail> {
  const detail = await store.pipelines.find(id)
  if (!detail) throw await missing(store, id, `there is no pipeline ${id}`)
  return detail
}

/** Rejects with `not_found`. */
export async function getJob(store: Reads<'jobs' | 'retention'>, id: JobId): Promise<JobView> {
  const job = await store.jobs.findView(id)
  if (!job) throw await missing(store, id, `there is no job ${id}`)
  return job
}

/** `gone`, with when and why, if it was removed; else `not_found` with this message. */
export async function missing(
  store: Reads<'retention'>,
  id: PipelineId | JobId,
  message: string,
): Promise<NarwhalError> {
  const removal = await store.retention.findRemoval(id)
  if (!removal) return new NarwhalError('not_found', message)
  return new NarwhalError('gone', `${id} was ${removalInWords(removal)}`)
}

/** Throws `gone` for a removed log; attempts made later have one. */
async function refuseRemoved(
  store: Reads<'retention'>,
  job: JobView,
  number: number,
): Promise<void> {
  const attempt = job.attempts.find((one) => one.number === number)
  if (!attempt || attempt.lines === 0) return
  const removal = await store.retention.findLogRemoval(job.pipelineId)
  if (!removal || attempt.assignedAt > removal.at) return
  const message = `the log of job ${job.id} (${job.name}) was ${removalInWords(removal)}`
  throw new NarwhalError('gone', message)
}

/** A placed attempt; rejects with `not_found`. */
export async function getAttempt(
  store: Reads<'jobs' | 'retention'>,
  ref: AttemptRef,
): Promise<AttemptView> {
  const job = await getJob(store, ref.jobId)
  const attempt = job.attempts.find(({ number }) => number === ref.attempt)
  if (attempt) return attempt
  throw new NarwhalError('not_found', missingAttempt(job, ref.attempt))
}

/** The job of an attempt, which may still be waiting for a runner; rejects with `not_found`. */
export async function getJobOfLog(
  store: Reads<'jobs' | 'retention'>,
  ref: AttemptRef,
): Promise<JobView> {
  const job = await getJob(store, ref.jobId)
  if (ref.attempt > job.attempt) {
    throw new NarwhalError('not_found', missingAttempt(job, ref.attempt))
  }
  await refuseRemoved(store, job, ref.attempt)
  return job
}

/** By id or name; rejects with `not_found`. */
export async function getRunner(store: Reads<'runners'>, idOrName: string): Promise<RunnerView> {
  const runners = await store.runners.listViews()
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
