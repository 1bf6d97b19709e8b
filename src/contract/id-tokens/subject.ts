import { createHash } from 'node:crypto'
import type { RepositoryId } from '../../core/ids.ts'

/** The limit of some clouds, in bytes. */
export const LONGEST_SUBJECT = 127
const LONGEST_NAME = 32
const LONGEST_JOB = 24
/** Twelve bytes of SHA-256: infeasible to collide with. */
const HASH_CHARACTERS = 16

/**
 * The ids that identify a repository in tokens: Narwhal's own, which changes if it is registered again, and
 * the forge's, if it is known when the first token is issued. They are stored then, since what others'
 * policies name must never change.
 */
export function subjectIdsOf({
  id,
  forgeId,
}: {
  readonly id: RepositoryId
  readonly forgeId?: number
}): string {
  const own = id.replace(/^repo_/, '')
  return forgeId === undefined ? own : `${own}.${forgeId}`
}

export interface SubjectFacts {
  /** `owner/name`. */
  readonly repository: string
  /** As returned by `subjectIdsOf`. */
  readonly ids: string
  readonly ref: string
  /** The job's name in the file; absent: not part of the subject. */
  readonly job?: string
}

/**
 * `sub` of a token: `repo:NAME:IDS:ref:REF`, or `repo:NAME:IDS:job:JOB:ref:REF`. No part before the ref can
 * contain a `:`, so the form is unambiguous. What is too long is truncated and ends in `~` and a hash of the
 * whole; no name contains a `~`. **Never change this**: others' policies match it.
 */
export function subjectOf({ repository, ids, ref, job }: SubjectFacts): string {
  const place = `repo:${cut(repository, LONGEST_NAME)}:${ids}`
  const before = job === undefined ? `${place}:ref:` : `${place}:job:${cut(job, LONGEST_JOB)}:ref:`
  return `${before}${cut(ref, LONGEST_SUBJECT - Buffer.byteLength(before))}`
}

/** The text, or its beginning and its hash, in at most `most` bytes. */
function cut(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, HASH_CHARACTERS)
  let head = ''
  let room = most - HASH_CHARACTERS - 1
  for (const character of text) {
    room -= Buffer.byteLength(character)
    if (room < 0) break
    head += character
  }
  return `${head}~${hash}`
}
