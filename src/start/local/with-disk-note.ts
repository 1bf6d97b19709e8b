import { statfs } from 'node:fs/promises'
import { describeError, NarwhalError } from '../../lib/errors.ts'

/** Below this, nothing that a run writes may fit. */
const FULL_BYTES = 2 ** 20

/**
 * The error of a run whose folder this is; if there is no space left on its disk, `exhausted` with a note of that.
 * Which part of a run meets a full disk first, and what it says then, differs each time.
 */
export async function withDiskNote(error: unknown, folder: string): Promise<unknown> {
  const { code } = NarwhalError.from(error)
  if (code === 'exhausted' || code === 'cancelled') return error
  const disk = await statfs(folder).catch(() => undefined)
  const free = disk ? disk.bavail * disk.bsize : FULL_BYTES
  if (free >= FULL_BYTES && !isAboutSpace(error)) return error
  const words = `the disk of ${folder} is full (${Math.floor(free / 1024)} KiB left): ${describeError(error)}`
  return new NarwhalError('exhausted', words, { cause: error })
}

/** What failed may have been removed again meanwhile, so that there is space. */
function isAboutSpace(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) {
    if ('code' in one && (one.code === 'ENOSPC' || one.code === 'EDQUOT')) return true
  }
  return false
}
