import { createHash } from 'node:crypto'
import type { RepositoryId } from '../../core/ids.ts'

/** What some clouds take at most, in bytes. */
export const LONGEST_SUBJECT = 127
const LONGEST_NAME = 32
const LONGEST_JOB = 24
/** Twelve bytes of SHA-256: nobody finds another text with them. */
const HASH_CHARACTERS = 16

/**
 * The ids by which tokens name a repository: Narwhal's own, which a repository that is registered
 * anew does not have, and the forge's, where it is known when the first token is given. They are
 * written down then, since what others' policies name must never change.
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
  /** As `subjectIdsOf` has made them. */
  readonly ids: string
  readonly ref: string
  /** The job's name in the file; absent: the subject is without. */
  readonly job?: string
}

/**
 * `sub` of a token: `repo:NAME:IDS:ref:REF`, or `repo:NAME:IDS:job:JOB:ref:REF`. None of the parts before
 * the ref can hold a `:`, so each ends where it seems to end. What is too long is cut and ends in `~` and a
 * hash of the whole; no name holds a `~`. **This is never changed**: others' policies match it.
 */
export function subjectOf({ repository, ids, ref, job }: SubjectFacts): string {
  const place = `repo:${cut(repository, LONGEST_NAME)}:${ids}`
  const before = job === undefined ? `${place}:ref:` : `${place}:job:${cut(job, LONGEST_JOB)}:ref:`
  return `${before}${cut(ref, LONGEST_SUBJECT - Buffer.byteLength(before))}`
}

/** The text, or the beginning of it and its hash, in so many bytes. */
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
