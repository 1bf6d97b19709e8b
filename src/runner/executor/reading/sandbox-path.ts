import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode, NarwhalError } from '../../../lib/errors.ts'

/** Linux's limit. */
const LONGEST_PATH_BYTES = 4095

/** Checks a path as steps write it: absolute, or within the workspace. Throws `invalid` for anything else. */
export function checkPath(path: string): void {
  const wrong = (why: string): NarwhalError =>
    new NarwhalError(
      'invalid',
      `${JSON.stringify(path)} is not a valid path of a job's file: ${why}`,
    )
  if (path === '') throw wrong('it is empty')
  if (path.includes('\0')) throw wrong('it contains a NUL character')
  if (Buffer.byteLength(path) > LONGEST_PATH_BYTES) throw wrong('it is too long')
  if (!path.startsWith('/') && path.split('/').includes('..')) {
    throw wrong('it must be inside the workspace, without ".."')
  }
}

/**
 * Whether such a file certainly does not exist in a workspace that is this folder of the runner. Examines
 * names only and follows no links, so it reveals nothing that a step could not see, and never blocks on a
 * pipe.
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
