import type { JobView, PipelineView, StepView } from '../../../src/contract/rest/views.ts'

/** The outcome, or else the status. */
export type Status =
  | NonNullable<PipelineView['outcome']>
  | 'running'
  | 'pending'
  | 'queued'
  | 'assigned'
  | 'blocked'
  | 'waiting'
  | 'awaiting'
  | 'finished'

export const STATUS_WORDS: Readonly<Record<Status, string>> = {
  success: 'Success',
  failure: 'Failure',
  error: 'Error',
  cancelled: 'Cancelled',
  timeout: 'Timeout',
  skipped: 'Skipped',
  running: 'Running',
  pending: 'Pending',
  queued: 'Queued',
  assigned: 'Starting',
  blocked: 'Blocked',
  waiting: 'Waiting',
  awaiting: 'Needs approval',
  finished: 'Finished',
}

/** The status of anything with a status and possibly an outcome. */
export function statusOf(subject: {
  readonly status: PipelineView['status'] | JobView['status'] | StepView['status']
  readonly outcome?: PipelineView['outcome'] | undefined
  readonly approval?: PipelineView['approval']
}): Status {
  const { outcome, status, approval } = subject
  if (outcome) return outcome
  const isHeld = approval?.status === 'needed' && approval.for === 'run'
  return isHeld && status !== 'finished' ? 'awaiting' : status
}

/** How long something took, or has taken by `now`; undefined before it started. */
export function durationOf(
  subject: { readonly startedAt?: number | undefined; readonly finishedAt?: number | undefined },
  now: number,
): number | undefined {
  if (subject.startedAt === undefined) return undefined
  return (subject.finishedAt ?? now) - subject.startedAt
}
