import { present } from '../../lib/present.ts'
import type { JobId } from '../ids.ts'
import type { Job } from '../job/job.ts'
import { type JobEvent, type JobState, roundOf } from '../job/job-state.ts'
import type { JobChange } from '../pipeline/advance-pipeline.ts'
import type { Decision } from '../placement/placement.ts'
import { partsOf } from '../plan/plan.ts'
import type { Progress } from './add-progress.ts'
import type { Attempt, Step } from './attempt.ts'
import type { AttemptEnd } from './attempt-end.ts'

/** What happens to a job during an attempt, as changes to be written. */

export function currentAttempt(job: Job): Attempt | undefined {
  return job.attempts.find(({ number }) => number === job.state.attempt)
}

/** Assigns the job to a runner under the next fencing token. */
export function assignment(job: Job, decision: Decision, at: number): JobChange {
  const fence = job.fence + 1
  const queuedAt = job.state.status === 'queued' ? job.state.queuedAt : at
  return {
    jobId: job.id,
    fence,
    event: { type: 'assigned', runnerId: decision.runnerId, fence, at },
    attempt: {
      number: job.state.attempt,
      ...askedBy(job.state),
      runnerId: decision.runnerId,
      fence,
      status: 'assigned',
      assignedAt: at,
      decision,
      phases: [{ name: 'place', startedAt: queuedAt, durationMs: Math.max(0, at - queuedAt) }],
      steps: partsOf(job.spec).map((part) => ({ ...part, status: 'waiting' })),
      lines: 0,
      logBytes: 0,
      lastSeq: 0,
    },
  }
}

/** Only the first attempt of a round was asked for; later ones replace a lost runner. */
function askedBy(state: JobState): Pick<Attempt, 'askedBy'> {
  return state.attempt === roundOf(state) ? present({ askedBy: state.askedBy }) : {}
}

export function progressChanges(jobId: JobId, stored: Attempt, progress: Progress): JobChange[] {
  const { attempt, jobEvents } = progress
  if (stored.status === 'finished') {
    // Ended by us (cancelled): what the runner still sends is kept as log, and as the ends of cleanup steps.
    const { lines, logBytes, lastSeq } = attempt
    const steps = withCleanup(stored.steps, attempt.steps)
    return [{ jobId, attempt: { ...stored, steps, lines, logBytes, lastSeq } }]
  }
  if (jobEvents.length === 0) return [{ jobId, attempt }]
  return jobEvents.map((event) => ({ jobId, event, attempt }))
}

/** Takes over only steps whose turn had not come when the attempt was ended, or that began after that. */
function withCleanup(stored: readonly Step[], now: readonly Step[]): readonly Step[] {
  if (stored === now) return stored
  return stored.map((step, index) => {
    if (step.status !== 'finished') return step
    const { outcome, startedAt, finishedAt } = step
    const isOpen = finishedAt === undefined || (outcome === 'cancelled' && startedAt === finishedAt)
    return isOpen ? (now[index] ?? step) : step
  })
}

/**
 * The line that ends the log of an attempt whose runner was lost, and its step: what was received is
 * complete; what was printed but not sent yet is missing.
 */
export function noteOfLoss(
  attempt: Attempt,
  end: AttemptEnd,
): { readonly step: number; readonly text: string } | undefined {
  if (end.kind !== 'lost' || attempt.status !== 'running') return undefined
  const begun = attempt.steps.findLastIndex(({ status, beside }) => status !== 'waiting' && !beside)
  const text = `the runner was lost (${end.reason}): what it printed after this is missing`
  return { step: Math.max(0, begun), text }
}

/** The event for a conversation with the runner that ended before the attempt did. */
export function endOfConversation(
  attempt: Attempt,
  end: Exclude<AttemptEnd, { kind: 'reported' | 'stopped' }>,
  { isLast, at }: { isLast: boolean; at: number },
): JobEvent {
  const report = { attempt: attempt.number, fence: attempt.fence, at }
  if (end.kind === 'refused') return { type: 'refused', ...report }
  if (end.kind === 'overdue') {
    return { type: 'finished', outcome: 'timeout', reason: end.reason, ...report }
  }
  const reason = `runner lost: ${end.reason}`
  return isLast
    ? { type: 'finished', outcome: 'error', reason, ...report }
    : { type: 'lost', reason, ...report }
}
