import { present } from '../../lib/present.ts'
import type { SpanDraft, TimedAttempt, TimedJob, TimedPhase, TimedStep } from './waterfall.ts'

/** The spans of an attempt as known at `at`, ordered by start. */
export function attemptSpans(job: TimedJob, attempt: TimedAttempt, at: number): SpanDraft[] {
  const { assignedAt, startedAt, finishedAt, number, phases, steps } = attempt
  const spans = phases.map(phaseSpan)
  const hasBegun = steps.some((step) => step.startedAt !== undefined)
  spans.push(span('handover', assignedAt, startedAt ?? finishedAt, at))
  if (startedAt !== undefined && finishedAt === undefined && !hasBegun) {
    spans.push(span('prepare', startedAt, undefined, at))
  }
  const owner = { job: { id: job.id, name: job.name }, attempt: number }
  return [...spans, ...steps.flatMap((step) => stepSpan(step, at))]
    .map((one) => ({ ...one, ...owner }))
    .toSorted((a, b) => a.startAt - b.startAt)
}

/** The span of an attempt that waits for a runner, if one does. */
export function waitingSpans(job: TimedJob, at: number): SpanDraft[] {
  if (job.status !== 'queued' || job.queuedAt === undefined) return []
  const owner = { job: { id: job.id, name: job.name }, attempt: job.attempt }
  return [{ ...span('place', job.queuedAt, undefined, at), ...owner }]
}

export function phaseSpan({ name, startedAt, durationMs }: TimedPhase): SpanDraft {
  return { name, startAt: startedAt, durationMs, open: false }
}

/** A span from a start to an end, or up to now if it is still open. */
export function span(
  name: string,
  startAt: number,
  endAt: number | undefined,
  now: number,
): SpanDraft {
  const durationMs = Math.max(0, (endAt ?? now) - startAt)
  return { name, startAt, durationMs, open: endAt === undefined }
}

function stepSpan(step: TimedStep, at: number): SpanDraft[] {
  if (step.startedAt === undefined) return []
  const { index, name, outcome, beside } = step
  const drawn = span('step', step.startedAt, step.finishedAt, at)
  return [
    {
      ...drawn,
      step: { index, name },
      ...present({ beside, outcome }),
    },
  ]
}
