import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { describeError, NarwhalError } from '../lib/errors.ts'
import { createPrivately, readPrivately, replacePrivately } from '../lib/private-file.ts'

export interface SealingKey {
  /** Derived from the key itself: unique, and a file can't claim another key's id. */
  readonly id: string
  readonly key: KeyObject
}

const KEY_BYTES = 32
const LINE = /^narwhal-key-1:([A-Za-z0-9+/]{43}=)$/
const WHAT = {
  name: 'the sealing keys',
  also: 'if others may have read it, create a new key with `narwhal secret rotate`',
}

const PREAMBLE = `# The keys that encrypt the secrets in Narwhal's database, one per line, newest last.
# Anyone with this file and the database can read all secrets; without this file nobody can.
# Keep a copy of it, separate from the backups of the database.
`

export function newSealingKey(): SealingKey {
  return sealingKeyOf(randomBytes(KEY_BYTES))
}

function sealingKeyOf(bytes: Buffer): SealingKey {
  const id = createHash('sha256').update('narwhal sealing key\0').update(bytes).digest('hex')
  return { id: id.slice(0, 16), key: createSecretKey(bytes) }
}

/**
 * Reads the keys of a file, newest last; undefined if there is no file. Throws `invalid` if others than its
 * owner may read or change it, or if its content is malformed.
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
      const words = `line ${index + 1} of ${path} is not a key made by Narwhal: restore the right file`
      throw new NarwhalError('invalid', words)
    }
    keys.push(sealingKeyOf(bytes))
  }
  if (keys.length > 0) return keys
  throw new NarwhalError('invalid', `${path} contains no key: restore the right file`)
}

/**
 * Creates a file with one new key, private to its owner, and returns its keys: processes that create it
 * concurrently all get the same. Throws `invalid` if it can't be written.
 */
export function createKeyFile(path: string): SealingKey[] {
  try {
    createPrivately(path, textOf([newSealingKey()]))
  } catch (cause) {
    const words = `can't write the sealing keys to ${path}: ${describeError(cause)}`
    throw new NarwhalError('invalid', words, { cause })
  }
  const keys = readKeyFile(path)
  if (keys) return keys
  throw new NarwhalError('invalid', `${path} was removed while Narwhal was starting`)
}

/** Replaces the file's keys atomically and durably. */
export function replaceKeyFile(path: string, keys: readonly SealingKey[]): void {
  replacePrivately(path, textOf(keys))
}

function textOf(keys: readonly SealingKey[]): string {
  const lines = keys.map(({ key }) => `narwhal-key-1:${key.export().toString('base64')}\n`)
  return PREAMBLE + lines.join('')
}
