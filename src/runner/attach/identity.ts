import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { describeError, hasCode, NarwhalError } from '../../lib/errors.ts'
import { replacePrivately } from '../../lib/private-file.ts'

/** Who a runner is to one installation of Narwhal. */
const identitySchema = z.object({
  /** The URLs under which the runner knows the installation: the secret is shown to no other. */
  dispatchers: z.array(z.string()),
  /** Absent: made, and written here, but no answer says yet that the runner has joined by it. */
  runnerId: z.string().optional(),
  /** The name under which it joined, or wants to. */
  name: z.string(),
  /** What it shows when it attaches itself. */
  secret: z.string(),
})
const fileSchema = z.object({ installations: z.array(identitySchema) })

export type Identity = z.infer<typeof identitySchema>

/**
 * The identities that a runner has, in `identity.json` of its data folder, which only its user may
 * read. An installation is known again by any of its dispatchers' URLs.
 */
export class IdentityFile {
  readonly #path: string

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'identity.json')
  }

  /** Rejects with `invalid` when the file can't be read for what it is. */
  async find(urls: readonly string[]): Promise<Identity | undefined> {
    const found = (await this.#read()).find((one) => isSame(one, urls))
    if (!found || urls.every((url) => found.dispatchers.includes(url))) return found
    // One more URL of the same installation: from now on it is known by that one alone, too.
    const grown = { ...found, dispatchers: [...new Set([...found.dispatchers, ...urls])] }
    await this.save(grown)
    return grown
  }

  /** Replaces the one for the same installation. */
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
      const words = `the runner's identity can't be read from ${this.#path}: ${describeError(cause)}; mend the file, or remove it and join anew with a new token`
      throw new NarwhalError('invalid', words, { cause })
    }
  }

  /** Whole or not at all, and on disk with its name when it returns: the secret is nowhere else. */
  #write(installations: readonly Identity[]): void {
    replacePrivately(this.#path, `${JSON.stringify({ installations }, null, 2)}\n`)
  }
}

function isSame(identity: Identity, urls: readonly string[]): boolean {
  return identity.dispatchers.some((url) => urls.includes(url))
}
