import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { missingCommit } from '../../contract/rpc/missing-commit.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'

/** Classifies git's messages about a fetch: it has no codes for them. */

/** The server only serves what its refs point to, or has no such object. */
const NOT_GIVEN =
  /not our ref|unadvertised object|want \S+ not valid|remote ref|cannot obtain needed object/i
/**
 * In version 0 of the protocol, git itself does not ask for what its server has said it does not serve; JGit
 * refuses in any version.
 */
const ONLY_TIPS = /does not allow request for unadvertised object|want \S+ not valid/i
/** Our object store or a ref is broken, or locked by a git process that has died. */
const BROKEN =
  /corrupt|not a git repository: |bad object|unable to read|inflate|packfile|pack index|loose object|missing (?:blob|tree|commit)|cannot lock ref|local refs could not be updated|bad config|\/objects\/pack\/|remove the file manually/i

/** Whether the server does not have, or does not serve, what was requested. */
export function isNotGiven(error: unknown): boolean {
  return NOT_GIVEN.test(describeError(error))
}

/** Whether the server only serves what refs are at: the commit may be there all the same. */
export function isOnlyTips(error: unknown): boolean {
  return ONLY_TIPS.test(describeError(error))
}

/** Whether git failed because of the mirror, or a copy of it, and not because of the remote. */
export function isBroken(error: unknown): boolean {
  const words = describeError(error)
  if (words.includes('remote: ')) return false
  return BROKEN.test(words)
}

export function notThere(commit: CommitSource, cause?: unknown): NarwhalError {
  const { sha, repositoryName } = commit
  return new NarwhalError('unavailable', missingCommit(sha, repositoryName), { cause })
}
