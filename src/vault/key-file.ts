import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { describeError, NarwhalError } from '../lib/errors.ts'
import { createPrivately, readPrivately, replacePrivately } from '../lib/private-file.ts'

/** A key that values are sealed under. */
export interface SealingKey {
  /** Made of the key itself, so that no two keys have the same and a file can't claim another's. */
  readonly id: string
  readonly key: KeyObject
}

const KEY_BYTES = 32
const LINE = /^narwhal-key-1:([A-Za-z0-9+/]{43}=)$/
const WHAT = {
  name: 'the keys',
  mend: 'if others can have read it, make a new key with `narwhal secret rotate`',
}

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
  const text = readPrivately(path, WHAT)
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

/**
 * Makes a file with one new key, for its owner alone, and returns what is in it: of several
 * processes that make it at once, all get the same. Throws `invalid` when it can't be written.
 */
export function createKeyFile(path: string): SealingKey[] {
  try {
    createPrivately(path, textOf([newSealingKey()]))
  } catch (cause) {
    const words = `the keys of secrets can't be kept in ${path}: ${describeError(cause)}`
    throw new NarwhalError('invalid', words, { cause })
  }
  const keys = readKeyFile(path)
  if (keys) return keys
  throw new NarwhalError('invalid', `${path} was removed while Narwhal started`)
}

/** Puts these keys in the place of the file's, whole or not at all, and on disk when it returns. */
export function replaceKeyFile(path: string, keys: readonly SealingKey[]): void {
  replacePrivately(path, textOf(keys))
}

function textOf(keys: readonly SealingKey[]): string {
  const lines = keys.map(({ key }) => `narwhal-key-1:${key.export().toString('base64')}\n`)
  return PREAMBLE + lines.join('')
}
