import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { describeError, hasCode, NarwhalError } from './errors.ts'

/** Secrets are small. */
const MAX_BYTES = 64 * 1024

/**
 * Reads a file that only its owner can access; undefined if it does not exist. `what` names its content in
 * messages. Throws `invalid` when others may read or change it, or it can't be read. Checked and read through
 * one descriptor, so that nobody can replace the file in between.
 */
export function readPrivately(
  path: string,
  what: { readonly name: string; readonly also?: string },
): string | undefined {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined
    throw unreadable(path, what.name, cause)
  }
  try {
    const { mode, size } = fstatSync(descriptor)
    if ((mode & 0o077) !== 0) {
      const bits = (mode & 0o777).toString(8).padStart(3, '0')
      const also = what.also ? `, and ${what.also}` : ''
      const words = `others than its owner may read or change ${what.name} in ${path} (mode ${bits}): chmod 600 ${path}${also}`
      throw new NarwhalError('invalid', words)
    }
    if (size > MAX_BYTES) {
      throw new NarwhalError('invalid', `${path} is too large for ${what.name}`)
    }
    return readFileSync(descriptor, 'utf8')
  } catch (cause) {
    throw cause instanceof NarwhalError ? cause : unreadable(path, what.name, cause)
  } finally {
    closeSync(descriptor)
  }
}

function unreadable(path: string, name: string, cause: unknown): NarwhalError {
  const words = `${name} in ${path} can't be read: ${describeError(cause)}`
  return new NarwhalError('invalid', words, { cause })
}

/**
 * Creates a file that only its owner can access, complete from the moment it has its name. Never replaces
 * one: returns false if it exists, so that of several processes that create it concurrently, one does.
 */
export function createPrivately(path: string, text: string): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeDraft(path, text, (draft) => linkSync(draft, path))
    return true
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) return false
    throw cause
  }
}

/** Replaces the file's content atomically; on disk when it returns. */
export function replacePrivately(path: string, text: string): void {
  writeDraft(path, text, (draft) => renameSync(draft, path))
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function writeDraft(path: string, text: string, finish: (draft: string) => void): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}.new`
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx', flush: true })
    finish(draft)
  } finally {
    rmSync(draft, { force: true })
  }
}
