import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  type Stats,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'

const WRITABLE_BY_OTHERS = 0o022

/**
 * The content of a file that only root and this user can have written, as it is with the programs that are
 * started; undefined if there is none, or another user could have written it.
 */
export function readTrusted(path: string): Buffer | undefined {
  const file = open(path)
  if (file === undefined) return undefined
  try {
    const found = fstatSync(file)
    const isOurs = found.isFile() && isTrusted(found) && isTrusted(statSync(dirname(path)))
    return isOurs ? readFileSync(file) : undefined
  } catch {
    return undefined
  } finally {
    closeSync(file)
  }
}

function open(path: string): number | undefined {
  try {
    // Not through a link, and without waiting for the other end of a FIFO.
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
}

function isTrusted({ uid, mode }: Stats): boolean {
  return (uid === 0 || uid === process.getuid?.()) && (mode & WRITABLE_BY_OTHERS) === 0
}
