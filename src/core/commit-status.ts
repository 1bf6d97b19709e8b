import type { EventKind } from './commit-event.ts'
import type { Outcome } from './outcome.ts'

/**
 * Under which name a pipeline's status stands at the commit. Pull requests have one of their own: what
 * is run for them may be other jobs than for a push of the same commit.
 */
export function statusContext(kind: EventKind): string {
  return kind === 'pull_request' ? PULL_REQUEST_CONTEXT : COMMIT_CONTEXT
}

export const COMMIT_CONTEXT = 'narwhal'
export const PULL_REQUEST_CONTEXT = 'narwhal/pull-request'

/** What is told of a pipeline: where it stands, or its outcome. */
export type StatusState = 'pending' | 'running' | Outcome

/** `outcome` is that of a pipeline that has finished. */
export function statusState(
  status: 'pending' | 'running' | 'finished',
  outcome: Outcome | undefined,
): StatusState {
  return status === 'finished' ? (outcome ?? 'error') : status
}
