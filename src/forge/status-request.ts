import type { CommitStatus, StatusState } from '../core/commit-status.ts'
import type { ForgeTarget } from '../core/forges.ts'

/** One POST. */
export interface ForgeRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, string>>
}

/** How a forge wants to be told of a status; nothing is sent. */
export type StatusRequest = (
  target: ForgeTarget,
  token: string,
  status: CommitStatus,
) => ForgeRequest

/** A forge's own words for what is told of a pipeline. */
export type StatusWords = Readonly<Record<StatusState, string>>
