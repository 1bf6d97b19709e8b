import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LayerForm } from '../layer/rewrite-layer.ts'
import type { Rights } from '../layer/tar-room.ts'
import { hexOf } from '../layout/manifest.ts'
import { canonicalReference } from './canonical.ts'
import { ownOwner } from './owner.ts'

/**
 * Where everything of a store is. Files and folders below `layers`, `tops`, `images` and `names` are whole as
 * soon as they have their names, but see `Unsettled`; what is half-made is below `work`, in a folder of the process
 * that makes it.
 */
export class StoreFolder {
  readonly path: string
  readonly form: LayerForm
  readonly rights: Rights

  constructor(path: string, form: LayerForm, rights: Rights) {
    this.path = path
    this.form = form
    this.rights = rights
  }

  async make(): Promise<void> {
    const folders = ['names', 'images', 'blobs', 'work', 'leases', 'trash', 'locks', 'room']
    for (const name of folders) await mkdir(this.join(name), { recursive: true, mode: 0o700 })
    for (const path of [this.layers, this.tops]) {
      await mkdir(path, { recursive: true, mode: 0o700 })
    }
  }

  join(...parts: string[]): string {
    return join(this.path, ...parts)
  }

  /** Layers are written for one range of ids. */
  get layers(): string {
    return this.join('layers', this.#range)
  }

  get tops(): string {
    return this.join('tops', this.#range)
  }

  layer(diffId: string): string {
    return join(this.layers, hexOf(diffId))
  }

  top(chain: string): string {
    return join(this.tops, hexOf(chain))
  }

  image(digest: string): string {
    return this.join('images', `${hexOf(digest)}.json`)
  }

  name(reference: string): string {
    const key = createHash('sha256').update(canonicalReference(reference)).digest('hex')
    return this.join('names', `${key}.json`)
  }

  /** Layers share few locks: one who holds one never waits for another. */
  layerLock(diffId: string): string {
    return this.join('locks', `${hexOf(diffId).slice(0, 2)}.db`)
  }

  /** A new path for something half-made, in the folder of this process. */
  async newWork(): Promise<string> {
    const folder = this.join('work', ownOwner())
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return join(folder, randomBytes(6).toString('hex'))
  }

  newTrash(): string {
    return this.join('trash', randomBytes(8).toString('hex'))
  }

  /** Gives what is whole its name. */
  async publish(work: string, path: string): Promise<void> {
    await rename(work, path)
  }

  /** Replaces a record; one that a loss of power has damaged counts for nothing. */
  async write(path: string, value: unknown): Promise<void> {
    const work = await this.newWork()
    await writeFile(work, JSON.stringify(value), { mode: 0o600, flag: 'wx' })
    await this.publish(work, path)
  }

  get #range(): string {
    return this.rights.isRoot ? `${this.form.first}` : 'user'
  }
}

export async function writeOnDisk(path: string, text: string): Promise<void> {
  await using file = await open(path, 'w', 0o600)
  await file.writeFile(text)
  await file.sync()
}
