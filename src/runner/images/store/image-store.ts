import type { ImageReference } from '../../../core/image-reference.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import type { HeldImage } from '../held-image.ts'
import type { HoldOptions, Images } from '../images.ts'
import type { FetchedImage } from '../layout/fetched-image.ts'
import { checkMachine } from '../layout/machine.ts'
import { FileLock } from './file-lock.ts'
import { heldImage } from './held.ts'
import { Leases } from './leases.ts'
import { discardLeftovers } from './leftovers.ts'
import {
  findRecord,
  findTop,
  type ImageRecord,
  markUsed,
  type NameRecord,
  recordOf,
} from './records.ts'
import {
  type ListedImage,
  listImages,
  removeBlobs,
  removeName,
  storeBytes,
  sweep,
} from './removal.ts'
import { settle } from './settle.ts'
import type { StoreFolder } from './store-folder.ts'
import { discard, emptyTrash } from './trash.ts'
import { Unpacker } from './unpacker.ts'

export interface ImageStoreOptions {
  readonly folder: StoreFolder
  /** What an operator does to give containers more ids. */
  readonly widenIds: string
}

/** What `prune` removed. */
export interface Pruned {
  readonly removed: readonly string[]
  readonly bytes: number
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
  #emptying: Promise<void> = Promise.resolve()
  #settling: Promise<void> = Promise.resolve()

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
    await discardLeftovers(options.folder)
    store.#emptyTrash()
    store.#settleLater()
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

  /** Keeps an image that will be added, and layers of it that are there already, from removal. */
  async reserve(
    fetched: Omit<FetchedImage, 'layers'>,
    signal: AbortSignal,
  ): Promise<AsyncDisposable> {
    const record = recordOf(fetched)
    const { digest } = record
    await this.#lock.during(() => this.#leases.take(digest), signal)
    try {
      await this.folder.write(this.folder.image(digest), record)
    } catch (error) {
      this.#leases.release(digest)
      throw error
    }
    return { [Symbol.asyncDispose]: async () => this.#leases.release(digest) }
  }

  /** Unpacks an image that was fetched, and gives it a name. */
  async add(
    fetched: FetchedImage,
    name: NewName,
    signal: AbortSignal,
    onProgress: (line: string) => void = () => {},
  ): Promise<void> {
    checkMachine(fetched)
    const { folder } = this
    const { chain, digest } = recordOf(fetched)
    const { layers } = fetched
    await using _ = await this.reserve(fetched, signal)
    const top = await this.#unpacker.unpack({ layers, chain, signal, onProgress })
    for (const note of top.notes) onProgress(note)
    await folder.write(folder.name(name.reference), { ...name, digest })
    this.#settleLater()
  }

  /** All images, the last used first. */
  async list(): Promise<readonly ListedImage[]> {
    return this.#lock.during(() => listImages(this.folder, this.#leases.list()))
  }

  /** Removes a name; rejects with `conflict` if its image is in use. */
  async remove(reference: string): Promise<boolean> {
    const isRemoved = await this.#lock.during(() => {
      const name = this.findName(reference)
      if (!name) return false
      const used = this.#leases.list()
      if (used.has(name.digest)) {
        const words = `image ${reference} is in use by a job: wait for its end`
        throw new NarwhalError('conflict', words)
      }
      removeName(this.folder, reference)
      sweep(this.folder, used)
      return true
    })
    this.#emptyTrash()
    return isRemoved
  }

  /**
   * Removes what nothing names, then the images that were used longest ago until the store takes no more than
   * this. Those in use stay, and imported ones, which can't be fetched again.
   */
  async prune(mostBytes: number): Promise<Pruned> {
    const pruned = await this.#prune(mostBytes)
    this.#emptyTrash()
    return pruned
  }

  async #prune(mostBytes: number): Promise<Pruned> {
    return await this.#lock.during(() => {
      const { folder } = this
      const used = this.#leases.list()
      const before = storeBytes(folder)
      const removed: string[] = []
      removeBlobs(folder)
      sweep(folder, used)
      const images = listImages(folder, used).filter((one) => !one.isInUse && !one.isImported)
      while (storeBytes(folder) > mostBytes) {
        const last = images.pop()
        if (!last) break
        removeName(folder, last.reference)
        sweep(folder, used)
        removed.push(last.reference)
      }
      return { removed, bytes: Math.max(0, before - storeBytes(folder)) }
    })
  }

  /** The same, in nobody's way; failures show at the next time. */
  pruneLater(mostBytes: number): void {
    this.#emptying = this.#emptying.then(() =>
      this.#prune(mostBytes).then(
        () => {},
        () => {},
      ),
    )
    this.#emptyTrash()
  }

  /** Makes room for something new; resolves to whether it removed anything. */
  async makeRoom(bytes: number): Promise<boolean> {
    const size = await this.#lock.during(() => storeBytes(this.folder))
    const { removed } = await this.prune(Math.max(0, size - bytes))
    // The disk has the room once the files are gone.
    await this.#emptying
    return removed.length > 0
  }

  /** What dead processes have fetched is kept for this pull. */
  async keepLeftovers(): Promise<void> {
    await discardLeftovers(this.folder)
  }

  /** For what was only needed to fetch an image. */
  async discard(path: string): Promise<void> {
    await discard(this.folder, path)
    this.#emptyTrash()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#unpacker[Symbol.asyncDispose]()
    await this.#emptying
    await this.#settling
    this.#lock[Symbol.dispose]()
  }

  /** Nobody waits for the disk, but for the disposal; what fails is done after the next pull. */
  #settleLater(): void {
    const { signal } = new AbortController()
    const next = this.#settling.then(() => settle(this.folder, signal))
    this.#settling = next.catch(() => {})
  }

  /** Nobody waits for it; what can't be removed now is tried again at the next time. */
  #emptyTrash(): void {
    const signal = new AbortController().signal
    const next = this.#emptying.then(() => emptyTrash(this.folder, signal))
    this.#emptying = next.catch(() => {})
  }
}
