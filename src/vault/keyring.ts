import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { NarwhalError } from '../lib/errors.ts'
import { newSealingKey, readKeyFile, type SealingKey } from './key-file.ts'

/**
 * Where a sealed value belongs: its kind and the ids of its row, such as `['secret', repositoryId, name]`. It
 * can be opened with the same place only.
 */
export type SealedPlace = readonly [kind: string, ...ids: string[]]

const SEALED = /^sealed:1:([0-9a-f]{16}):([A-Za-z0-9_-]{38,})$/
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Whether a text was returned by `seal`, and is not plaintext. */
export function isSealed(text: string): boolean {
  return SEALED.test(text)
}

/**
 * The keys of this process. Seals with AES-256-GCM: a random nonce for each value, and its place as
 * additional authenticated data. A missing key is looked up in the file again, as another process may have
 * added it.
 */
export class Keyring {
  readonly #path: string | undefined
  #keys: ReadonlyMap<string, SealingKey>
  #newest: SealingKey

  /** `path`: the file they were read from; absent: they exist in memory only. */
  constructor(keys: readonly SealingKey[] = [newSealingKey()], path?: string) {
    const newest = keys.at(-1)
    if (!newest) throw new NarwhalError('internal', 'a keyring without keys')
    this.#path = path
    this.#keys = new Map(keys.map((key) => [key.id, key]))
    this.#newest = newest
  }

  /** For messages: where the keys are. */
  get origin(): string {
    return this.#path ?? 'memory'
  }

  get newestId(): string {
    return this.#newest.id
  }

  has(keyId: string): boolean {
    return this.#find(keyId) !== undefined
  }

  /** Throws `unavailable` if the key is missing. */
  seal(value: string, place: SealedPlace, keyId = this.newestId): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#get(keyId).key, nonce)
    cipher.setAAD(boundTo(keyId, place))
    const body = Buffer.concat([nonce, cipher.update(value, 'utf8'), cipher.final()])
    const text = Buffer.concat([body, cipher.getAuthTag()]).toString('base64url')
    return `sealed:1:${keyId}:${text}`
  }

  /**
   * Throws `unavailable` if the key is missing, and `internal` if the value is damaged, is not sealed, or was
   * sealed for another place.
   */
  open(sealed: string, place: SealedPlace): string {
    const [, keyId = '', text = ''] = SEALED.exec(sealed) ?? []
    if (keyId === '') throw damaged(place)
    const { key } = this.#get(keyId)
    const bytes = Buffer.from(text, 'base64url')
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(boundTo(keyId, place))
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
      const opened = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES))
      return Buffer.concat([opened, decipher.final()]).toString('utf8')
    } catch (cause) {
      throw damaged(place, cause)
    }
  }

  #get(keyId: string): SealingKey {
    const key = this.#find(keyId)
    if (key) return key
    const words = `a value was sealed under key ${keyId}, which is not in ${this.origin}: restore the key file that has it`
    throw new NarwhalError('unavailable', words)
  }

  #find(keyId: string): SealingKey | undefined {
    if (!this.#keys.has(keyId) && this.#path) {
      const keys = readKeyFile(this.#path) ?? []
      this.#keys = new Map([...this.#keys, ...keys.map((key) => [key.id, key] as const)])
      this.#newest = keys.at(-1) ?? this.#newest
    }
    return this.#keys.get(keyId)
  }
}

function boundTo(keyId: string, place: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify(['narwhal', 1, keyId, ...place]))
}

function damaged([kind, ...ids]: SealedPlace, cause?: unknown): NarwhalError {
  const words = `the ${kind} of ${ids.join(' ')} can't be opened: it is damaged or belongs to something else`
  return new NarwhalError('internal', words, { cause })
}
