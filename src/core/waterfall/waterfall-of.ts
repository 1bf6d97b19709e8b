import { attemptSpans, phaseSpan, span, waitingSpans } from './attempt-spans.ts'
import { criticalJobs, criticalSpans } from './critical-path.ts'
import type { SpanDraft, TimedJob, TimedPipeline, Waterfall } from './waterfall.ts'

/**
 * Where a pipeline's time went, as known at `at` (epoch milliseconds). Pure, so that a page can redraw it
 * with every change.
 */
export function waterfallOf(
  pipeline: TimedPipeline,
  jobs: readonly TimedJob[],
  at: number,
): Waterfall {
  const ofPipeline = pipelineSpans(pipeline, at)
  const ofJobs = new Map(jobs.map((job) => [job, jobSpans(job, at)]))
  const critical = new Set(ofPipeline)
  for (const job of criticalJobs(jobs, at)) {
    for (const spans of ofJobs.get(job) ?? []) {
      for (const one of criticalSpans(spans)) critical.add(one)
    }
  }
  const spans = [...ofPipeline, ...[...ofJobs.values()].flat(2)]
    .map((one) => ({ ...one, critical: critical.has(one) }))
    .toSorted((a, b) => a.startAt - b.startAt)
  const startAt = spans[0]?.startAt ?? pipeline.createdAt
  const endAt = spans.reduce((end, one) => Math.max(end, one.startAt + one.durationMs), startAt)
  const complete = pipeline.status === 'finished'
  return { pipelineId: pipeline.id, complete, startAt, durationMs: endAt - startAt, at, spans }
}

function pipelineSpans(pipeline: TimedPipeline, at: number): SpanDraft[] {
  const spans = pipeline.phases.map(phaseSpan)
  return pipeline.status === 'pending'
    ? [...spans, span('plan', pipeline.createdAt, undefined, at)]
    : spans
}

/** Attempt by attempt; after a lost one, the next waits. */
function jobSpans(job: TimedJob, at: number): SpanDraft[][] {
  return [...job.attempts.map((one) => attemptSpans(job, one, at)), waitingSpans(job, at)]
}
