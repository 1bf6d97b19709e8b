import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { JobEvent } from '../job/job-state.ts'
import type { Outcome } from '../outcome.ts'
import type { Attempt, Step } from './attempt.ts'
import type { AttemptEvent, AttemptFault, ReceivedEvent } from './attempt-event.ts'
import { costOf, type LogChunk } from './log-chunk.ts'
import { FLOOD_TIMES } from './log-limit.ts'

/** Fetch, checkout, sandbox, and what later versions may add. */
const MOST_PHASES = 100
/** A runner cuts at chunk boundaries, and adds a line of its own. */
const SLACK_BYTES = 1024 * 1024
/** Reasons are for people: an honest runner's is a line or two. */
const MOST_REASON_CHARACTERS = 8_192

/** The result of a batch of a runner's events. */
export interface Progress {
  readonly attempt: Attempt
  /** The number of the first line; the chunks are contiguous. */
  readonly firstLine: number
  readonly chunks: readonly LogChunk[]
  /** Set if the log is truncated here: a line after the chunks must say so. */
  readonly cutOff?: CutOff
  readonly jobEvents: readonly JobEvent[]
  /** Set once the attempt has finished: what that says about its runner. */
  readonly end?: RunnerVerdict
}

/** Whether the runner works, failed by itself, or neither is known. */
export type RunnerVerdict =
  | { readonly kind: 'sound' }
  | { readonly kind: 'faulty'; readonly reason: string }
  | { readonly kind: 'none' }

export interface CutOff {
  readonly step: number
  readonly at: number
}

export interface ProgressOptions {
  /** When the events arrived, by the same clock as their own times. */
  readonly arrivedAt: number
  /** From this attempt on a runner's own fault ends the job; before, the job is retried elsewhere. */
  readonly maxAttempts: number
  /** The limit of the log, in bytes of text; anything above it is dropped. */
  readonly logBytes: number
  /** Outcomes after which the job is retried; absent: none. */
  readonly retryOn?: readonly Outcome[]
}

/**
 * Adds a runner's events to an attempt. Duplicates, by number, are skipped; a gap is rejected with `invalid`.
 * No event counts as earlier than the assignment.
 */
export function addProgress(
  attempt: Attempt,
  events: readonly ReceivedEvent[],
  options: ProgressOptions,
): Progress {
  const sink: Sink = { ...options, chunks: [], jobEvents: [] }
  let next = attempt
  for (const { seq, at, event } of events) {
    if (seq <= next.lastSeq) continue
    if (seq !== next.lastSeq + 1) {
      throw new NarwhalError('invalid', `the runner sent event ${seq} after ${next.lastSeq}`)
    }
    const changed = event ? addEvent(next, event, Math.max(attempt.assignedAt, at), sink) : next
    next = { ...changed, lastSeq: seq }
  }
  const { chunks, jobEvents, end, cutOff } = sink
  return {
    attempt: next,
    firstLine: attempt.lines,
    chunks,
    jobEvents,
    ...present({ cutOff, end }),
  }
}

interface Sink extends ProgressOptions {
  readonly chunks: LogChunk[]
  readonly jobEvents: JobEvent[]
  cutOff?: CutOff
  end?: RunnerVerdict
}

function addEvent(attempt: Attempt, event: AttemptEvent, at: number, sink: Sink): Attempt {
  switch (event.type) {
    case 'started':
      sink.jobEvents.push({ type: 'started', at, attempt: attempt.number, fence: attempt.fence })
      return attempt.status === 'finished'
        ? attempt
        : { ...attempt, status: 'running', startedAt: at }
    case 'phase': {
      if (attempt.phases.length >= MOST_PHASES) throw tooMuch('phases')
      const { phase: name, durationMs, images } = event
      const phase = { name, startedAt: at - durationMs, durationMs, ...present({ images }) }
      return { ...attempt, phases: [...attempt.phases, phase] }
    }
    case 'step_started':
      return withStep(attempt, event.step, (step) =>
        step.status === 'finished'
          ? begunLate(step, at)
          : { ...step, status: 'running', startedAt: at },
      )
    case 'log':
      return addLog(attempt, event.chunk, at, sink)
    case 'step_finished': {
      const { step, outcome, exitCode, reason } = event
      return withStep(attempt, step, (former) => ({
        ...former,
        status: 'finished',
        outcome,
        finishedAt: at,
        ...present({ exitCode, reason: reason ? cut(reason) : undefined }),
      }))
    }
    case 'finished':
      return addEnd(attempt, event, at, sink)
  }
}

/**
 * Runners enforce the limit themselves. If one doesn't, no more than the limit is stored; one that far
 * exceeds it is rejected.
 */
function addLog(attempt: Attempt, chunk: LogChunk, at: number, sink: Sink): Attempt {
  const logBytes = attempt.logBytes + costOf(chunk)
  const most = sink.logBytes + SLACK_BYTES
  if (logBytes > FLOOD_TIMES * most) throw tooMuch('lines')
  if (logBytes <= most) {
    if (chunk.lineCount === 0) return { ...attempt, logBytes }
    sink.chunks.push(chunk)
    return { ...attempt, logBytes, lines: attempt.lines + chunk.lineCount }
  }
  if (attempt.logBytes > most) return { ...attempt, logBytes }
  sink.cutOff = { step: chunk.step, at }
  return { ...attempt, logBytes, lines: attempt.lines + 1 }
}

function tooMuch(what: string): NarwhalError {
  return new NarwhalError('invalid', `the runner sent more ${what} for one attempt than allowed`)
}

type Finished = Extract<AttemptEvent, { type: 'finished' }>

function addEnd(attempt: Attempt, finished: Finished, at: number, sink: Sink): Attempt {
  const report = { attempt: attempt.number, fence: attempt.fence }
  const { outcome, outputs } = finished
  const words = cut(finished.reason ?? '')
  const reason = words ? { reason: words } : {}
  sink.end = verdictOf(finished.fault, words)
  sink.jobEvents.push(
    isRetried(finished, attempt.number, sink)
      ? { type: 'lost', reason: words, at, ...report }
      : { type: 'finished', outcome, ...reason, at, ...report },
  )
  const durationMs = Math.max(0, sink.arrivedAt - at)
  const phases = [...attempt.phases, { name: 'report', startedAt: at, durationMs }]
  return {
    ...attempt,
    status: 'finished',
    outcome,
    ...reason,
    ...present({ outputs }),
    finishedAt: at,
    phases,
  }
}

function verdictOf(fault: AttemptFault | undefined, reason: string): RunnerVerdict {
  if (fault === 'no_engine') return { kind: 'none' }
  return fault === 'runner' ? { kind: 'faulty', reason } : { kind: 'sound' }
}

function cut(reason: string): string {
  if (reason.length <= MOST_REASON_CHARACTERS) return reason
  return `${reason.slice(0, MOST_REASON_CHARACTERS).toWellFormed()} …`
}

/** Whether the job continues as its next attempt. */
function isRetried(
  { fault, outcome }: Finished,
  attempt: number,
  { maxAttempts, retryOn = [] }: ProgressOptions,
): boolean {
  if (fault === 'handed_back') return true
  return fault === undefined ? retryOn.includes(outcome) : attempt < maxAttempts
}

function withStep(attempt: Attempt, index: number, change: (step: Step) => Step): Attempt {
  const step = attempt.steps[index]
  if (!step)
    throw new NarwhalError('invalid', `the runner reported step ${index}, which does not exist`)
  return { ...attempt, steps: attempt.steps.with(index, change(step)) }
}

/**
 * A cleanup step that begins after its attempt was cancelled. Until its end is reported it counts as cancelled,
 * so that nothing stays open if the report never comes.
 */
function begunLate(step: Extract<Step, { status: 'finished' }>, at: number): Step {
  if (step.finishedAt !== undefined) return step
  return { ...step, outcome: 'cancelled', startedAt: at, finishedAt: at }
}
