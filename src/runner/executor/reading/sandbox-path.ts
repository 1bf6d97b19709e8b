import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode, NarwhalError } from '../../../lib/errors.ts'

/** Linux takes no longer one. */
const LONGEST_PATH_BYTES = 4095

/**
 * A path of a file as steps write it: absolute, or in the workspace without a way out of it. Throws
 * NarwhalError `invalid` for anything else.
 */
export function checkPath(path: string): void {
  const wrong = (why: string): NarwhalError =>
    new NarwhalError('invalid', `${JSON.stringify(path)} can't be a file of a job: ${why}`)
  if (path === '') throw wrong('it is empty')
  if (path.includes('\0')) throw wrong('it holds a NUL character')
  if (Buffer.byteLength(path) > LONGEST_PATH_BYTES) throw wrong('it is too long')
  if (!path.startsWith('/') && path.split('/').includes('..')) {
    throw wrong('it must be inside the workspace, without ".."')
  }
}

/**
 * Whether there surely is no such file in a workspace that is this folder of the runner. It looks only at
 * names and never through a link, so nothing is learned that a step could not see, and a pipe holds nobody up.
 */
export async function isAbsent(folder: string, path: string): Promise<boolean> {
  if (path.startsWith('/')) return false
  let place = folder
  if (!(await lstat(place).catch(() => undefined))?.isDirectory()) return false
  for (const part of path.split('/')) {
    place = join(place, part)
    const found = await lstat(place).catch((error: unknown) => hasCode(error, 'ENOENT'))
    if (found === true) return true
    if (found === false || !found.isDirectory()) return false
  }
  return false
}
