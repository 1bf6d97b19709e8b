import { NarwhalError } from '../../../lib/errors.ts'
import { type ByteString, showName } from '../tar/tar-entry.ts'

const LONGEST_NAME = 255
const LONGEST_PATH = 4_000

/**
 * The path of an entry below the layer's root, without `.`, `..` and empty parts; the root itself is ''.
 * Throws `invalid` if it would be outside, or is longer than a file system allows.
 */
export function cleanName(name: ByteString): ByteString {
  const parts: string[] = []
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') {
      if (parts.pop() === undefined) throw refused(name, 'leaves the layer')
    } else if (part.length > LONGEST_NAME) throw refused(name, 'is too long')
    else parts.push(part)
  }
  const path = parts.join('/')
  if (path.length > LONGEST_PATH) throw refused(name, 'is too long')
  return path
}

export function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

export function nameIn(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1)
}

export function joinName(parent: ByteString, name: ByteString): ByteString {
  return parent === '' ? name : `${parent}/${name}`
}

/** The folders above a path, from the top; without the root and without the path itself. */
export function foldersAbove(path: ByteString): ByteString[] {
  const found: string[] = []
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    found.push(path.slice(0, at))
  }
  return found
}

function refused(name: ByteString, what: string): NarwhalError {
  const shown = showName(name.length > 200 ? `${name.slice(0, 200)}…` : name)
  return new NarwhalError('invalid', `its entry ${JSON.stringify(shown)} ${what}`)
}
