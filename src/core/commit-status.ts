import type { EventKind } from './commit-event.ts'
import type { Outcome } from './outcome.ts'
import type { PipelineStatus } from './pipeline/pipeline.ts'

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
export type StatusState =
  | 'pending'
  | 'running'
  | 'waiting'
  /** It went well, and has shown less than the target branch's file asks for. */
  | 'short'
  /** It ran nothing, though the target branch's file would have, or the repository wants something run. */
  | 'unproven'
  | Outcome

/** What a forge is told of a commit. */
export interface CommitStatus {
  readonly sha: string
  readonly state: StatusState
  /** The name of the status at the commit. */
  readonly context: string
  /** One line of at most 140 characters, which is what GitHub takes. */
  readonly description: string
  /** The page of the pipeline, if it is known where people find it. */
  readonly targetUrl?: string
}

/** How a pipeline stands, as far as a forge is told of it. */
export interface Standing {
  readonly status: PipelineStatus
  readonly outcome?: Outcome | undefined
  /** Whether a person is waited for. */
  readonly isAwaited: boolean
  /** Whether a stranger's has shown less than the target branch's file asks for. */
  readonly isShort: boolean
  /** The repository counts a commit for which nothing is run as no success. */
  readonly skippedIsOpen: boolean
}

export function statusState(standing: Standing): StatusState {
  const { status, outcome, isAwaited, isShort, skippedIsOpen } = standing
  if (status === 'finished' && isShort) {
    if (outcome === 'success') return 'short'
    if (outcome === 'skipped') return 'unproven'
  }
  if (status === 'finished' && outcome === 'skipped' && skippedIsOpen) return 'unproven'
  if (status === 'finished') return outcome ?? 'error'
  return isAwaited ? 'waiting' : status
}
