import { statfs } from 'node:fs/promises'
import { describeError, type ErrorCode } from '../../lib/errors.ts'

/** git has several words for each of these, and often doesn't say why. */
const CANNOT_WRITE =
  /(?:unable to|failed to|cannot|can't|could not|couldn't) (?:write|create|mkdir|make|append|copy|flush|fsync|close|store|lock|open|update ref)|write error|no space left/i

/** Below this the disk counts as full: nothing that git wants to write may fit. */
const FULL_MB = 100

export interface DiskNote {
  /** To be appended to the error's message; empty if the disk is not the cause. */
  readonly words: string
  /** The cause: no space on the disk, or a dependency. */
  readonly code: Extract<ErrorCode, 'exhausted' | 'unavailable'>
}

/** If git could not write a file, a note on the free space of that folder: git says what failed, not why. */
export async function diskNote(error: unknown, folder: string): Promise<DiskNote> {
  const isWrite = CANNOT_WRITE.test(describeError(error))
  const disk = isWrite ? await statfs(folder).catch(() => undefined) : undefined
  if (!disk) return { words: '', code: 'unavailable' }
  const megabytes = Math.floor((disk.bavail * disk.bsize) / 2 ** 20)
  const words = ` (the runner's disk has ${megabytes} MB left)`
  return { words, code: megabytes < FULL_MB ? 'exhausted' : 'unavailable' }
}
