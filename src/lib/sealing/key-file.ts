import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
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
import { describeError, hasCode, NarwhalError } from '../errors.ts'

/** A key that values are sealed under. */
export interface SealingKey {
  /** Made of the key itself, so that no two keys have the same and a file can't claim another's. */
  readonly id: string
  readonly key: KeyObject
}

const KEY_BYTES = 32
const LINE = /^narwhal-key-1:([A-Za-z0-9+/]{43}=)$/
/** Keys beyond the one in use are there only while values are sealed anew. */
const MOST_BYTES = 64 * 1024

const PREAMBLE = `# The keys under which Narwhal seals secrets in its database, one a line, the newest last.
# Who has this file and the database can read them all; without this file nobody can.
# Keep a copy of it, apart from the backups of the database.
`

export function newSealingKey(): SealingKey {
  return sealingKeyOf(randomBytes(KEY_BYTES))
}

function sealingKeyOf(bytes: Buffer): SealingKey {
  const id = createHash('sha256').update('narwhal sealing key\0').update(bytes).digest('hex')
  return { id: id.slice(0, 16), key: createSecretKey(bytes) }
}

/**
 * Reads the keys of a file, the newest last; undefined when there is no file. Throws `invalid` when
 * others than its owner may read or change it, or it holds something else.
 */
export function readKeyFile(path: string): SealingKey[] | undefined {
  const text = readPrivately(path)
  if (text === undefined) return undefined
  const lines = text.split('\n').map((line) => line.trim())
  const keys: SealingKey[] = []
  for (const [index, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue
    const bytes = Buffer.from(LINE.exec(line)?.[1] ?? '', 'base64')
    if (bytes.length !== KEY_BYTES || new Set(bytes).size < 8) {
      const words = `line ${index + 1} of ${path} is no key that Narwhal made: put the right file there`
      throw new NarwhalError('invalid', words)
    }
    keys.push(sealingKeyOf(bytes))
  }
  if (keys.length > 0) return keys
  throw new NarwhalError('invalid', `${path} holds no key: put the right file there`)
}

/** One descriptor for the look and the reading: nobody can exchange the file in between. */
function readPrivately(path: string): string | undefined {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined
    throw unreadable(path, cause)
  }
  try {
    const { mode, size } = fstatSync(descriptor)
    if ((mode & 0o077) !== 0) {
      const bits = (mode & 0o777).toString(8).padStart(3, '0')
      const words = `others than its owner may read or change the keys in ${path} (mode ${bits}): chmod 600 ${path}, and if others can have read it, make a new key with \`narwhal secret rotate\``
      throw new NarwhalError('invalid', words)
    }
    if (size > MOST_BYTES)
      throw new NarwhalError('invalid', `${path} is no file of keys: too large`)
    return readFileSync(descriptor, 'utf8')
  } catch (cause) {
    throw cause instanceof NarwhalError ? cause : unreadable(path, cause)
  } finally {
    closeSync(descriptor)
  }
}

function unreadable(path: string, cause: unknown): NarwhalError {
  const words = `the keys in ${path} can't be read: ${describeError(cause)}`
  return new NarwhalError('invalid', words, { cause })
}

/**
 * Makes a file with one new key, for its owner alone, and returns what is in it: of several
 * processes that make it at once, all get the same. Throws `invalid` when it can't be written.
 */
export function createKeyFile(path: string): SealingKey[] {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // Whole from the moment it has its name, and never in the place of one that is there.
    writeDraft(path, [newSealingKey()], (draft) => linkSync(draft, path))
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST')) {
      const words = `the keys of secrets can't be kept in ${path}: ${describeError(cause)}`
      throw new NarwhalError('invalid', words, { cause })
    }
  }
  const keys = readKeyFile(path)
  if (keys) return keys
  throw new NarwhalError('invalid', `${path} was removed while Narwhal started`)
}

/** Puts these keys in the place of the file's, whole or not at all, and on disk when it returns. */
export function replaceKeyFile(path: string, keys: readonly SealingKey[]): void {
  writeDraft(path, keys, (draft) => renameSync(draft, path))
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function writeDraft(
  path: string,
  keys: readonly SealingKey[],
  finish: (draft: string) => void,
): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}.new`
  const lines = keys.map(({ key }) => `narwhal-key-1:${key.export().toString('base64')}\n`)
  try {
    writeFileSync(draft, PREAMBLE + lines.join(''), { mode: 0o600, flag: 'wx', flush: true })
    finish(draft)
  } finally {
    rmSync(draft, { force: true })
  }
}
