import { rm } from 'node:fs/promises'
import type { ImageReference } from '../../../core/image-reference.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import type { HeldImage } from '../held-image.ts'
import type { HoldOptions, Images } from '../images.ts'
import { checkMachine } from '../layout/machine.ts'
import type { FetchedImage } from '../layout/read-layout.ts'
import { FileLock } from './file-lock.ts'
import { heldImage } from './held.ts'
import { Leases } from './leases.ts'
import {
  findRecord,
  findTop,
  type ImageRecord,
  markUsed,
  type NameRecord,
  recordOf,
} from './records.ts'
import type { StoreFolder } from './store-folder.ts'
import { discard, emptyTrash } from './trash.ts'
import { Unpacker } from './unpacker.ts'

export interface ImageStoreOptions {
  readonly folder: StoreFolder
  /** What an operator does to give containers more ids. */
  readonly widenIds: string
}

/** A name for an image that is fetched, and where it comes from. */
export type NewName = Omit<NameRecord, 'digest'>

/**
 * The images of a folder, which several processes may use at once.
 *
 * What is whole has its name; what is held has a lease; both change under one lock. An image is found by its
 * name record, which is written last.
 */
export class ImageStore implements Images, AsyncDisposable {
  readonly folder: StoreFolder
  readonly #widenIds: string
  readonly #lock: FileLock
  readonly #leases: Leases
  readonly #unpacker: Unpacker

  private constructor({ folder, widenIds }: ImageStoreOptions) {
    this.folder = folder
    this.#widenIds = widenIds
    this.#lock = new FileLock(folder.join('locks/store.db'))
    this.#leases = new Leases(folder.join('leases'))
    this.#unpacker = new Unpacker(folder)
  }

  /** Makes the folder if it isn't there, and removes what dead processes have left. */
  static async open(options: ImageStoreOptions): Promise<ImageStore> {
    await options.folder.make()
    const store = new ImageStore(options)
    void emptyTrash(options.folder).catch(() => {})
    return store
  }

  async find(reference: string): Promise<string | undefined> {
    return this.findName(reference)?.digest
  }

  findName(reference: string): NameRecord | undefined {
    return findRecord<NameRecord>(this.folder.name(reference))
  }

  async hold({ full }: ImageReference, { signal }: HoldOptions): Promise<HeldImage> {
    const held = await this.holdPresent(full, signal)
    if (held) return held
    throw new NarwhalError('not_found', `image ${full} is not on this machine`)
  }

  /** Holds an image if all of it is there. */
  async holdPresent(reference: string, signal: AbortSignal): Promise<HeldImage | undefined> {
    const { folder } = this
    const found = await this.#lock.during(() => {
      const name = this.findName(reference)
      const image = name && findRecord<ImageRecord>(folder.image(name.digest))
      const top = image && findTop(folder, image.chain)
      if (!top || (top.highest.id >= top.idCount && top.idCount < folder.form.count)) return
      this.#leases.take(name.digest)
      markUsed(folder.image(name.digest))
      return { name, image, top }
    }, signal)
    if (!found) return undefined
    const release = () => this.#leases.release(found.name.digest)
    try {
      return heldImage({ folder, ...found, widenIds: this.#widenIds, release })
    } catch (error) {
      release()
      throw error
    }
  }

  /** Whether a layer is unpacked with all its ids. */
  hasLayer(diffId: string): boolean {
    return this.#unpacker.findLayer(diffId) !== undefined
  }

  /** Unpacks an image that was fetched, and gives it a name; then the files of its layers are not needed. */
  async add(
    fetched: FetchedImage,
    name: NewName,
    signal: AbortSignal,
    onProgress: (line: string) => void = () => {},
  ): Promise<void> {
    checkMachine(fetched)
    const { folder } = this
    const record = recordOf(fetched)
    await this.#lock.during(() => this.#leases.take(record.digest), signal)
    try {
      await folder.write(folder.image(record.digest), record)
      const { layers } = fetched
      const { chain } = record
      const top = await this.#unpacker.unpack({ layers, chain, signal, onProgress })
      for (const note of top.notes) onProgress(note)
      await folder.write(folder.name(name.reference), { ...name, digest: record.digest })
      for (const { blob } of layers) await rm(blob, { force: true })
    } finally {
      this.#leases.release(record.digest)
    }
  }

  /** For what was only needed to fetch an image. */
  async discard(path: string): Promise<void> {
    await discard(this.folder, path)
    await emptyTrash(this.folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#unpacker[Symbol.asyncDispose]()
    this.#lock[Symbol.dispose]()
  }
}
