import { type Attempt, resultOf } from '../../src/core/attempt/attempt.ts'
import type { Job } from '../../src/core/job/job.ts'
import { silentLog } from '../../src/lib/log.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { PipelineDetail } from '../../src/store/records.ts'
import type { Store } from '../../src/store/store.ts'
import type { FinalAttempt, FinalJob, FinalLine, FinalPipeline } from './evidence.ts'

const PAGE = 500
const LOG_PAGE = 10_000

/** All that the store says at the end. */
export async function readFinal(databaseUrl: string): Promise<FinalPipeline[]> {
  await using store = await openStore(
    { kind: 'postgres', url: databaseUrl, poolSize: 2 },
    silentLog(),
  )
  return await readPipelines(store)
}

/** All pipelines of a store, with their jobs, attempts and logs. */
export async function readPipelines(store: Store): Promise<FinalPipeline[]> {
  const found: FinalPipeline[] = []
  for await (const id of allPipelines(store)) {
    const detail = await store.pipelines.find(id)
    if (detail) found.push(await finalPipeline(store, detail))
  }
  return found
}

async function* allPipelines(store: Store) {
  let before: `pipeline_${string}` | undefined
  for (;;) {
    const page = await store.pipelines.listViews({ limit: PAGE, ...(before ? { before } : {}) })
    for (const { id } of page) yield id
    before = page.at(-1)?.id
    if (page.length < PAGE) return
  }
}

async function finalPipeline(store: Store, detail: PipelineDetail): Promise<FinalPipeline> {
  const { pipeline, event, repository } = detail
  const jobs: FinalJob[] = []
  for (const job of detail.jobs) jobs.push(await finalJob(store, job))
  const { state } = pipeline
  return {
    id: pipeline.id,
    sha: event.sha,
    ref: event.ref,
    repository: repository.name,
    isRerun: pipeline.rerunOf !== undefined,
    status: state.status,
    ...(state.status === 'finished' ? { outcome: state.outcome, reason: state.reason } : {}),
    jobs,
  }
}

async function finalJob(store: Store, job: Job): Promise<FinalJob> {
  const { id, spec, state, fence } = job
  const attempts: FinalAttempt[] = []
  for (const attempt of job.attempts) {
    attempts.push(finalAttempt(attempt, await wholeLog(store, job, attempt.number)))
  }
  return {
    id,
    name: spec.name,
    status: state.status,
    ...(state.status === 'finished' ? { outcome: state.outcome, reason: state.reason } : {}),
    attempt: state.attempt,
    fence,
    attempts,
  }
}

function finalAttempt(attempt: Attempt, log: readonly FinalLine[]): FinalAttempt {
  const { number, fence, status } = attempt
  const { outcome, reason } = resultOf(attempt) ?? {}
  return { number, fence, status, outcome, reason, log }
}

async function wholeLog(store: Store, job: Job, attempt: number): Promise<FinalLine[]> {
  const lines: FinalLine[] = []
  for (;;) {
    const page = await store.logs.read({ jobId: job.id, attempt }, lines.length, LOG_PAGE)
    lines.push(...page.map(({ step, stream, text }) => ({ step, stream, text })))
    if (page.length === 0) return lines
  }
}
