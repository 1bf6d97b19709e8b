import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'

/** Classifies git's messages about a fetch: it has no codes for them. */

/** The server only serves what its refs point to, or has no such object. */
const NOT_GIVEN = /not our ref|unadvertised object|want \S+ not valid|remote ref/i
/** Our object store or a ref is broken, or locked by a git process that has died. */
const BROKEN =
  /corrupt|not a git repository: |bad object|unable to read|inflate|packfile|pack index|loose object|missing (?:blob|tree|commit)|cannot lock ref|local refs could not be updated|bad config|\/objects\/pack\/|remove the file manually/i

/** Whether the server does not have, or does not serve, what was requested. */
export function isNotGiven(error: unknown): boolean {
  return NOT_GIVEN.test(describeError(error))
}

/** Whether git failed because of the mirror, or a copy of it, and not because of the remote. */
export function isBroken(error: unknown): boolean {
  const words = describeError(error)
  if (words.includes('remote: ')) return false
  return BROKEN.test(words)
}

export function notThere(commit: CommitSource, cause?: unknown): NarwhalError {
  return new NarwhalError(
    'unavailable',
    `commit ${commit.sha} is not in ${commit.repositoryName} (or no longer reachable from a ref)`,
    { cause },
  )
}

/** A hint to be appended to the message. */
export function advice(error: unknown): string {
  const words = describeError(error)
  if (/could not read (?:Username|Password)|Authentication failed|Permission denied/i.test(words)) {
    return ' (the runner has no credentials for it)'
  }
  return ''
}
