import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { describeError, hasCode, NarwhalError } from '../../lib/errors.ts'
import { replacePrivately } from '../../lib/private-file.ts'

/** A runner's identity at one installation of Narwhal. */
const identitySchema = z.object({
  /** The installation's URLs: the secret is sent to no other. */
  dispatchers: z.array(z.string()),
  /** Absent while joining is not yet confirmed. */
  runnerId: z.string().optional(),
  /** The name under which it joined, or wants to join. */
  name: z.string(),
  /** The credential with which it attaches. */
  secret: z.string(),
})
const fileSchema = z.object({ installations: z.array(identitySchema) })

export type Identity = z.infer<typeof identitySchema>

/**
 * A runner's identities, in `identity.json` of its data folder, which only its user may read. An
 * installation is recognized by any of its dispatchers' URLs.
 */
export class IdentityFile {
  readonly #path: string

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'identity.json')
  }

  /** Rejects with `invalid` if the file can't be read or parsed. */
  async find(urls: readonly string[]): Promise<Identity | undefined> {
    const found = (await this.#read()).find((one) => isSame(one, urls))
    if (!found || urls.every((url) => found.dispatchers.includes(url))) return found
    // A new URL of a known installation: from now on it is recognized by that one, too.
    const grown = { ...found, dispatchers: [...new Set([...found.dispatchers, ...urls])] }
    await this.save(grown)
    return grown
  }

  /** Replaces the identity for the same installation. */
  async save(identity: Identity): Promise<void> {
    const others = (await this.#read()).filter((one) => !isSame(one, identity.dispatchers))
    this.#write([...others, identity])
  }

  async forget(identity: Identity): Promise<void> {
    const others = (await this.#read()).filter((one) => !isSame(one, identity.dispatchers))
    this.#write(others)
  }

  async #read(): Promise<Identity[]> {
    try {
      return fileSchema.parse(JSON.parse(await readFile(this.#path, 'utf8'))).installations
    } catch (cause) {
      if (hasCode(cause, 'ENOENT')) return []
      const message = `can't read the runner's identity from ${this.#path}: ${describeError(cause)}; fix the file, or remove it and join again with a new token`
      throw new NarwhalError('invalid', message, { cause })
    }
  }

  /** Atomic, and synced when it returns: the secret is stored nowhere else. */
  #write(installations: readonly Identity[]): void {
    replacePrivately(this.#path, `${JSON.stringify({ installations }, null, 2)}\n`)
  }
}

function isSame(identity: Identity, urls: readonly string[]): boolean {
  return identity.dispatchers.some((url) => urls.includes(url))
}
