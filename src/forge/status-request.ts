import type { CommitStatus, StatusState } from '../core/commit-status.ts'
import type { ForgeTarget } from '../core/forges.ts'

/** One POST request. */
export interface ForgeRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, string>>
}

/** Builds the request that reports a commit status. */
export type StatusRequest = (
  target: ForgeTarget,
  token: string,
  status: CommitStatus,
) => ForgeRequest

/** A forge's own names for our states. */
export type StatusWords = Readonly<Record<StatusState, string>>
