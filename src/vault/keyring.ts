import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { NarwhalError } from '../lib/errors.ts'
import { newSealingKey, readKeyFile, type SealingKey } from './key-file.ts'

/**
 * Where a sealed value belongs: what it is, and the ids of the row that holds it, such as
 * `['secret', repositoryId, name]`. It opens in that place only.
 */
export type SealedPlace = readonly [kind: string, ...ids: string[]]

const SEALED = /^sealed:1:([0-9a-f]{16}):([A-Za-z0-9_-]{38,})$/
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Whether a text is what `seal` returns, and not a value in clear. */
export function isSealed(text: string): boolean {
  return SEALED.test(text)
}

/**
 * The keys that this process has, and what they are for: AES-256-GCM with a random nonce for each
 * value, and its place as what is authenticated besides. A key that is missing is looked for in the
 * file once more, where another process may have added it.
 */
export class Keyring {
  readonly #path: string | undefined
  #keys: ReadonlyMap<string, SealingKey>
  #newest: SealingKey

  /** `path` is where they came from; without one they are nowhere but here. */
  constructor(keys: readonly SealingKey[] = [newSealingKey()], path?: string) {
    const newest = keys.at(-1)
    if (!newest) throw new NarwhalError('internal', 'a keyring without keys')
    this.#path = path
    this.#keys = new Map(keys.map((key) => [key.id, key]))
    this.#newest = newest
  }

  /** How people know where the keys are. */
  get origin(): string {
    return this.#path ?? 'memory'
  }

  /** The id of the newest key. */
  get newestId(): string {
    return this.#newest.id
  }

  has(keyId: string): boolean {
    return this.#find(keyId) !== undefined
  }

  /** Rejects with `unavailable` when it does not have the key. */
  seal(value: string, place: SealedPlace, keyId = this.newestId): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#get(keyId).key, nonce)
    cipher.setAAD(boundTo(keyId, place))
    const body = Buffer.concat([nonce, cipher.update(value, 'utf8'), cipher.final()])
    const text = Buffer.concat([body, cipher.getAuthTag()]).toString('base64url')
    return `sealed:1:${keyId}:${text}`
  }

  /**
   * Throws `unavailable` when it does not have the key, and `internal` when the value is damaged, is
   * not sealed, or was sealed for another place.
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
    const words = `a value was sealed under key ${keyId}, which is not in ${this.origin}: put back the file of keys that has it`
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
  const words = `the ${kind} of ${ids.join(' ')} can't be opened: it was damaged, or belongs elsewhere`
  return new NarwhalError('internal', words, { cause })
}
