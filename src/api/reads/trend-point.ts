import type { TrendPoint } from '../../contract/rest/rest-insights.ts'
import type { JobView, PipelineView } from '../../contract/rest/views.ts'

/** A pipeline's data point for its repository's trends; undefined if it has not ended. */
export function trendPoint(
  pipeline: PipelineView,
  jobs: readonly JobView[],
): TrendPoint | undefined {
  const { id, number, createdAt, outcome, finishedAt } = pipeline
  if (outcome === undefined || finishedAt === undefined) return undefined
  return {
    id,
    number,
    createdAt,
    outcome,
    durationMs: Math.max(0, finishedAt - createdAt),
    jobs: jobs.map((job) => trendOf(job, jobs, pipeline)),
  }
}

function trendOf(
  job: JobView,
  jobs: readonly JobView[],
  pipeline: PipelineView,
): TrendPoint['jobs'][number] {
  const last = job.attempts.at(-1)
  const steps = (last?.steps ?? []).flatMap(({ name, startedAt, finishedAt }) => {
    if (startedAt === undefined || finishedAt === undefined) return []
    return [{ name, durationMs: Math.max(0, finishedAt - startedAt) }]
  })
  const { name, outcome } = job
  if (!last) return { name, outcome, steps }
  const durationMs = last.finishedAt && Math.max(0, last.finishedAt - last.assignedAt)
  return { name, outcome, steps, durationMs, queueMs: waited(job, jobs, pipeline) }
}

/** The first attempt's queue time: later ones wait for a rerun or after a lost runner. */
function waited(job: JobView, jobs: readonly JobView[], pipeline: PipelineView): number {
  const [first] = job.attempts
  const needs = jobs.filter(({ name }) => job.needs.includes(name))
  const ready = Math.max(
    pipeline.startedAt ?? pipeline.createdAt,
    ...needs.map(({ finishedAt }) => finishedAt ?? 0),
  )
  return Math.max(0, (first?.assignedAt ?? ready) - ready)
}
