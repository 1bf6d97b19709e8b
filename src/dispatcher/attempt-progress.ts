import {
  type AttemptFinished,
  Fault,
  type RunAttemptResponse,
} from '../contract/gen/narwhal/v1/runner_pb.js'
import { chunkOf, costOf, type LogChunk } from '../contract/log-chunk.ts'
import { outputsFromProto } from '../contract/outputs-message.ts'
import { chunkFromProto, outcomeFromProto, phaseFromProto } from '../contract/rpc.ts'
import { soundImages } from '../core/image-run.ts'
import type { JobEvent } from '../core/job.ts'
import { bytesInWords, FLOOD_TIMES } from '../core/log-limit.ts'
import type { Outcome } from '../core/outcome.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { AttemptRecord, StepRecord } from '../store/records.ts'

/** Fetch, checkout, the sandbox, and what later versions may tell of. */
const MOST_PHASES = 100
/** A runner cuts at the borders of its chunks, and adds a line of its own. */
const SLACK_BYTES = 1024 * 1024
/** Words are for people: an honest runner's are a line or two. */
const MOST_REASON_CHARACTERS = 8_192

/** What a batch of a runner's events comes to. */
export interface Progress {
  readonly attempt: AttemptRecord
  /** The first line of the chunks, which follow one another. */
  readonly firstLine: number
  readonly chunks: readonly LogChunk[]
  /** `started`, and `finished` or `lost`, if they are among the events. */
  readonly jobEvents: readonly JobEvent[]
  /** Set when the attempt has ended; `fault`: why, when that was the runner's own. */
  readonly end?: { readonly fault?: string }
}

export interface ProgressOptions {
  /** What must be added to the runner's clock to get ours, so that one that is off does no harm. */
  readonly clockOffsetMs: number
  /** When the events came here, on our clock. */
  readonly arrivedAt: number
  /** With this attempt, a runner's own fault ends the job; before, it goes on elsewhere. */
  readonly maxAttempts: number
  /** What the log may have, in bytes of text: what a runner sends above it is not kept. */
  readonly logBytes: number
  /** After which outcomes of its own the job is tried again; absent: none. */
  readonly retryOn?: readonly Outcome[]
}

/**
 * Adds a runner's events to the record of an attempt. Events that are stored already, by their
 * numbers, are left out; one that follows with a hole is refused with `invalid`.
 */
export function addProgress(
  attempt: AttemptRecord,
  events: readonly RunAttemptResponse[],
  options: ProgressOptions,
): Progress {
  const sink: Sink = { ...options, chunks: [], jobEvents: [] }
  let next = attempt
  for (const message of events) {
    const seq = Number(message.seq)
    if (seq <= next.lastSeq) continue
    if (seq !== next.lastSeq + 1) {
      throw new NarwhalError('invalid', `the runner sent event ${seq} after ${next.lastSeq}`)
    }
    const at = Math.max(attempt.assignedAt, Number(message.atMs) + options.clockOffsetMs)
    next = { ...addEvent(next, message, at, sink), lastSeq: seq }
  }
  const { chunks, jobEvents, end } = sink
  const firstLine = attempt.lines
  return { attempt: next, firstLine, chunks, jobEvents, ...(end ? { end } : {}) }
}

interface Sink extends ProgressOptions {
  readonly chunks: LogChunk[]
  readonly jobEvents: JobEvent[]
  end?: { readonly fault?: string }
}

function addEvent(
  attempt: AttemptRecord,
  { event }: RunAttemptResponse,
  at: number,
  sink: Sink,
): AttemptRecord {
  const report = { attempt: attempt.number, fence: attempt.fence }
  switch (event.case) {
    case 'started':
      sink.jobEvents.push({ type: 'started', at, ...report })
      return { ...attempt, status: 'running', startedAt: at }
    case 'phase': {
      if (attempt.phases.length >= MOST_PHASES) throw tooMuch('phases')
      const { phase, durationMs } = event.value
      const images = soundImages(event.value.images)
      const one = {
        name: phaseFromProto(phase),
        startedAt: at - durationMs,
        durationMs,
        ...(images.length > 0 ? { images } : {}),
      }
      return { ...attempt, phases: [...attempt.phases, one] }
    }
    case 'stepStarted':
      return withStep(attempt, event.value.step, { status: 'running', startedAt: at })
    case 'log': {
      return addLog(attempt, chunkFromProto(event.value, sink.clockOffsetMs), at, sink)
    }
    case 'stepFinished': {
      const { step, outcome, exitCode, reason } = event.value
      return withStep(attempt, step, {
        status: 'finished',
        outcome: outcomeFromProto(outcome),
        finishedAt: at,
        ...(exitCode === undefined ? {} : { exitCode }),
        ...(reason ? { reason: cut(reason) } : {}),
      })
    }
    case 'finished':
      return addEnd(attempt, event.value, at, sink)
    case 'heartbeat':
    case 'idTokensWanted':
    case undefined:
      return attempt
  }
}

/**
 * A runner keeps to the limit by itself. Of one that does not, no more is stored than that, and one that
 * goes on and on is no runner of ours.
 */
function addLog(attempt: AttemptRecord, chunk: LogChunk, at: number, sink: Sink): AttemptRecord {
  const logBytes = attempt.logBytes + costOf(chunk)
  const most = sink.logBytes + SLACK_BYTES
  if (logBytes > FLOOD_TIMES * most) throw tooMuch('lines')
  const text = `the rest of this log is left out: a log may have ${bytesInWords(sink.logBytes)} (--log-size), and its runner sent more`
  const note = (): LogChunk => chunkOf(chunk.step, [{ at, stream: 'narwhal', text }])
  const isFirst = attempt.logBytes <= most
  const kept = logBytes <= most ? chunk : isFirst ? note() : undefined
  if (!kept || kept.lineCount === 0) return { ...attempt, logBytes }
  sink.chunks.push(kept)
  return { ...attempt, logBytes, lines: attempt.lines + kept.lineCount }
}

function tooMuch(what: string): NarwhalError {
  return new NarwhalError(
    'invalid',
    `the runner sent more ${what} of one attempt than there can be`,
  )
}

/** The last event of an attempt. */
function addEnd(
  attempt: AttemptRecord,
  finished: AttemptFinished,
  at: number,
  sink: Sink,
): AttemptRecord {
  const report = { attempt: attempt.number, fence: attempt.fence }
  const outcome = outcomeFromProto(finished.outcome)
  const words = cut(finished.reason)
  const reason = words ? { reason: words } : {}
  sink.end = finished.fault === Fault.RUNNER ? { fault: words } : {}
  sink.jobEvents.push(
    isRetried(finished, attempt.number, sink)
      ? { type: 'lost', reason: words, at, ...report }
      : { type: 'finished', outcome, ...reason, at, ...report },
  )
  const durationMs = Math.max(0, sink.arrivedAt - at)
  const phases = [...attempt.phases, { name: 'report', startedAt: at, durationMs }]
  const outputs = outputsFromProto(finished.outputs)
  return {
    ...attempt,
    status: 'finished',
    outcome,
    ...reason,
    ...outputs,
    finishedAt: at,
    phases,
  }
}

function cut(reason: string): string {
  if (reason.length <= MOST_REASON_CHARACTERS) return reason
  return `${reason.slice(0, MOST_REASON_CHARACTERS).toWellFormed()} …`
}

/** Whether the job goes on as its next attempt, since this one's end says nothing about it. */
function isRetried(
  { fault, outcome }: AttemptFinished,
  attempt: number,
  { maxAttempts, retryOn = [] }: ProgressOptions,
): boolean {
  switch (fault) {
    case Fault.UNSPECIFIED:
      return retryOn.includes(outcomeFromProto(outcome))
    case Fault.RUNNER:
      return attempt < maxAttempts
    case Fault.HANDED_BACK:
      return true
  }
}

function withStep(
  attempt: AttemptRecord,
  index: number,
  change: Partial<StepRecord>,
): AttemptRecord {
  const step = attempt.steps[index]
  if (!step)
    throw new NarwhalError('invalid', `the runner told of step ${index}, which is not there`)
  return { ...attempt, steps: attempt.steps.with(index, { ...step, ...change }) }
}
