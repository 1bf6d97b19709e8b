import type { EventKind } from './commit-event.ts'
import type { EventAction } from './event-actions.ts'
import type { Outcome } from './outcome.ts'
import { NO_FILE } from './pipeline/no-file.ts'
import type { PipelineStatus } from './pipeline/pipeline.ts'

/**
 * The name of a pipeline's status at the commit. Pull requests have their own: they may run other jobs than a
 * push of the same commit. So have pipelines that ran only what names their action: a success of one job must
 * not replace a failure of the others. A merge group is what pull requests become: where a branch requires the
 * status of pull requests, the merge queue waits for that.
 */
export function statusContext({ kind, part }: StatusEvent): string {
  if (kind === 'release') return RELEASE_CONTEXT
  if (kind === 'merge_group') return PULL_REQUEST_CONTEXT
  if (kind !== 'pull_request') return COMMIT_CONTEXT
  return part === undefined ? PULL_REQUEST_CONTEXT : `${PULL_REQUEST_CONTEXT}/${part}`
}

export interface StatusEvent {
  readonly kind: EventKind
  readonly part?: EventAction | undefined
}

export const RELEASE_CONTEXT = 'narwhal/release'
export const COMMIT_CONTEXT = 'narwhal'
export const PULL_REQUEST_CONTEXT = 'narwhal/pull-request'

/** The reported state of a pipeline, or its outcome. */
export type StatusState =
  | 'pending'
  | 'running'
  | 'waiting'
  /** It succeeded, but ran less than the target branch's file asks for. */
  | 'short'
  /** It ran nothing, although the target branch's file would have, or the repository requires a run. */
  | 'unproven'
  | Outcome

/** A commit status as sent to a forge. */
export interface CommitStatus {
  readonly sha: string
  readonly state: StatusState
  /** The name of the status at the commit. */
  readonly context: string
  /** One line of at most 140 characters, GitHub's limit. */
  readonly description: string
  /** The pipeline's page, if the public URL is known. */
  readonly targetUrl?: string
}

/** The state of a pipeline that its commit status depends on. */
export interface Standing {
  readonly status: PipelineStatus
  readonly outcome?: Outcome | undefined
  /** Whether it waits for a person. */
  readonly isAwaited: boolean
  /** Whether a stranger's pipeline ran less than the target branch's file asks for. */
  readonly isShort: boolean
  /** The repository doesn't count a commit without any run as a success. */
  readonly skippedIsOpen: boolean
}

/**
 * Whether a pipeline says anything about its commit: not if there is no file to say what to run, unless the
 * repository, or the target branch's file, requires that something is.
 */
export function isTold(reason: string | undefined, state: StatusState): boolean {
  return state !== 'skipped' || reason !== NO_FILE
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
