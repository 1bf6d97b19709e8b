import { statfs } from 'node:fs/promises'
import { describeError } from '../lib/errors.ts'

const CANNOT_WRITE = /unable to (?:write|create)|failed to write|write error|no space left/i

/**
 * Where git could not write a file, a note on how much room there is in that folder: git tells what
 * it can't write, but not why. Empty for any other trouble.
 */
export async function diskNote(error: unknown, folder: string): Promise<string> {
  if (!CANNOT_WRITE.test(describeError(error))) return ''
  const disk = await statfs(folder).catch(() => undefined)
  if (!disk) return ''
  const megabytes = Math.floor((disk.bavail * disk.bsize) / 2 ** 20)
  return ` (the runner's disk has ${megabytes} MB left)`
}
