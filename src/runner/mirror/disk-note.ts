import { statfs } from 'node:fs/promises'
import { describeError, type ErrorCode } from '../../lib/errors.ts'

const CANNOT_WRITE = /unable to (?:write|create)|failed to write|write error|no space left/i

/** A disk with less free is full: that keeps git from writing, whatever it wants to write. */
const FULL_MB = 100

export interface DiskNote {
  /** To be put behind the words about the trouble; empty where that is none of the disk's. */
  readonly words: string
  /** Why it is: there is no room on the disk, or something of the world's. */
  readonly code: Extract<ErrorCode, 'exhausted' | 'unavailable'>
}

/**
 * Where git could not write a file, a note on how much room there is in that folder: git tells what
 * it can't write, but not why.
 */
export async function diskNote(error: unknown, folder: string): Promise<DiskNote> {
  const isWrite = CANNOT_WRITE.test(describeError(error))
  const disk = isWrite ? await statfs(folder).catch(() => undefined) : undefined
  if (!disk) return { words: '', code: 'unavailable' }
  const megabytes = Math.floor((disk.bavail * disk.bsize) / 2 ** 20)
  const words = ` (the runner's disk has ${megabytes} MB left)`
  return { words, code: megabytes < FULL_MB ? 'exhausted' : 'unavailable' }
}
