import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hexOf } from '../layout/manifest.ts'
import { isAlive, ownOwner } from './owner.ts'

/**
 * Which images are in use, by which processes: an empty file for each process and image. Those of a process
 * that has ended count no more. All calls are made under the store's lock, but for `release`.
 */
export class Leases {
  readonly #folder: string
  /** A process may have several stores in one folder. */
  readonly #own = randomBytes(4).toString('hex')
  readonly #counts = new Map<string, number>()

  constructor(folder: string) {
    this.#folder = folder
  }

  take(digest: string): void {
    const count = this.#counts.get(digest) ?? 0
    if (count === 0) writeFileSync(this.#pathOf(digest), '', { mode: 0o600 })
    this.#counts.set(digest, count + 1)
  }

  release(digest: string): void {
    const count = (this.#counts.get(digest) ?? 0) - 1
    if (count > 0) this.#counts.set(digest, count)
    else {
      this.#counts.delete(digest)
      rmSync(this.#pathOf(digest), { force: true })
    }
  }

  /** The digests of all images in use; forgets those of dead processes. */
  list(): Set<string> {
    const used = new Set<string>()
    for (const name of readdirSync(this.#folder)) {
      const [hex, owner = ''] = name.split('.')
      if (isAlive(owner)) used.add(`sha256:${hex}`)
      else rmSync(join(this.#folder, name), { force: true })
    }
    return used
  }

  #pathOf(digest: string): string {
    return join(this.#folder, `${hexOf(digest)}.${ownOwner()}.${this.#own}`)
  }
}
