import type { QueuedJobView } from '../../contract/rest/views.ts'
import { resultOf } from '../../core/attempt/attempt.ts'
import { describeWaiting } from '../../core/placement/describe-waiting.ts'
import { expectedStarts } from '../../core/placement/expected-start.ts'
import { present } from '../../lib/present.ts'
import type { JobReader } from '../../store/ports/jobs.ts'
import type { RunnerReader } from '../../store/ports/runners.ts'
import type { ListedJob } from './job-queue.ts'

/** From how many attempts the duration of jobs is estimated. */
const LOOK_BACK = 500

/** Views of waiting jobs, each with its expected start if it waits only for a slot. */
export async function expectStarts(
  store: {
    readonly jobs: Pick<JobReader, 'listPlacements'>
    readonly runners: Pick<RunnerReader, 'listViews'>
  },
  jobs: readonly ListedJob[],
): Promise<QueuedJobView[]> {
  const waiting = jobs.filter((job) => job.waiting.kind === 'full')
  if (waiting.length === 0) return jobs.map(viewListed)
  const runners = await store.runners.listViews()
  const online = runners.filter(({ state }) => state === 'online')
  const ids = new Set(online.map(({ id }) => id))
  const placements = (await store.jobs.listPlacements(LOOK_BACK)).flatMap(({ attempt, ...job }) => {
    const { runnerId, assignedAt } = attempt
    const { finishedAt, outcome } = resultOf(attempt) ?? {}
    if (finishedAt === undefined && !ids.has(runnerId)) return []
    const kind = kindOf(job.repositoryName, job.jobName)
    return [{ runnerId, kind, assignedAt, finishedAt, outcome }]
  })
  const starts = expectedStarts(
    waiting.map(({ repositoryName, name, labels }) => {
      return { kind: kindOf(repositoryName, name), labels }
    }),
    { now: Date.now(), runners: online, placements },
  )
  const byJob = new Map(waiting.map(({ jobId }, index) => [jobId, starts[index]]))
  return jobs.map((job) => {
    return { ...viewListed(job), ...present({ expectedStartAt: byJob.get(job.jobId) }) }
  })
}

function viewListed({ waiting, ...job }: ListedJob): QueuedJobView {
  return { ...job, reason: describeWaiting(waiting) }
}

function kindOf(repositoryName: string, jobName: string): string {
  return `${repositoryName} ${jobName}`
}
