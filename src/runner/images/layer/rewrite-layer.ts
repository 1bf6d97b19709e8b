import { NarwhalError } from '../../../lib/errors.ts'
import { encodeEntry, paddingOf } from '../tar/encode-entry.ts'
import { type ByteString, HIGHEST_ID, showName, type TarEntry } from '../tar/tar-entry.ts'
import type { TarListener } from '../tar/tar-parser.ts'
import { type IdShift, keptAttributes } from './attributes.ts'
import { cleanName } from './entry-name.ts'
import { type FolderFacts, type LayerNode, PLAIN_FOLDER } from './layer-index.ts'
import { LayerTree, markOf } from './layer-tree.ts'

/** How the folder of a layer is written. */
export interface LayerForm extends IdShift {
  /** The prefix of overlay's own attributes: without rights on the machine, `user.overlay.`. */
  readonly overlay: 'trusted.overlay.' | 'user.overlay.'
  /** Whether device nodes can and may be made. */
  readonly devices: boolean
}

/** What a layer had that was not unpacked, or not as it was. */
export interface LeftOut {
  attributes: number
  devices: number
}

/**
 * Rewrites a layer's entries, as they arrive, for GNU tar: with safe names, no link above any of them, owners
 * shifted and only the attributes that are kept. What depends on entries that may follow is collected for
 * `finishLayer`: marks, links to what was not there yet, folders that are described late.
 */
export class LayerRewriter implements TarListener {
  readonly form: LayerForm
  readonly tree = new LayerTree()
  readonly hidden = new Set<ByteString>()
  readonly opaque = new Set<ByteString>()
  /** Hard links to what was not there yet, with their nodes. */
  readonly farLinks = new Map<ByteString, { readonly node: LayerNode }>()
  /** Folders that exist already and must be described again. */
  readonly late = new Set<ByteString>([''])
  readonly leftOut: LeftOut = { attributes: 0, devices: 0 }
  readonly highest = { id: 0, path: '' }
  bytes = 0
  readonly #write: (chunk: Buffer) => void
  /** How many bytes of data the open entry has; undefined: they are skipped. */
  #size: number | undefined

  /** `write` gets chunks that are only valid during the call. */
  constructor(form: LayerForm, write: (chunk: Buffer) => void) {
    this.form = form
    this.#write = write
  }

  entry(entry: TarEntry): void {
    this.#size = undefined
    const name = cleanName(entry.name)
    const mark = markOf(name)
    if (mark === undefined) this.#place(entry, name)
    else if (mark !== 'ignored' && 'hides' in mark) this.hidden.add(mark.hides)
    else if (mark !== 'ignored') this.opaque.add(mark.opaque)
  }

  data(chunk: Buffer): void {
    if (this.#size !== undefined) this.#write(chunk)
  }

  end(): void {
    if (this.#size !== undefined) this.#write(paddingOf(this.#size))
  }

  /** The entry of a folder, for GNU tar. */
  folderEntry(path: ByteString, facts: FolderFacts, isOpaque = false): Buffer[] {
    const own = new Map(facts.attributes.map(([key, text]) => [key, Buffer.from(text, 'base64')]))
    if (isOpaque) own.set(`${this.form.overlay}opaque`, Buffer.from('y'))
    return this.encode({ ...BARE, ...facts, kind: 'folder', name: `./${path}`, attributes: own })
  }

  /** With the owner shifted. */
  encode(entry: TarEntry): Buffer[] {
    return encodeEntry({ ...entry, uid: this.#shift(entry.uid), gid: this.#shift(entry.gid) })
  }

  #place(entry: TarEntry, name: ByteString): void {
    const path = name === '' ? '' : this.tree.place(name)
    if (path === '' && entry.kind !== 'folder') {
      throw new NarwhalError('invalid', 'its root is no folder')
    }
    for (const folder of this.tree.missingAbove(path)) this.#imply(folder)
    this.#count(entry, path)
    if (entry.kind === 'folder') this.#folder(entry, path)
    else if (entry.kind === 'link') this.#link(entry, path)
    else if (entry.kind === 'character' || entry.kind === 'block') this.#device(entry, path)
    else this.#plain(entry, path)
  }

  #imply(folder: ByteString): void {
    this.tree.set(folder, { kind: 'folder' })
    this.#emit(this.folderEntry(folder, PLAIN_FOLDER))
  }

  #folder(entry: TarEntry, path: ByteString): void {
    const { mode, uid, gid, modifiedAt } = entry
    const attributes = [...this.#kept(entry)].map(
      ([key, value]) => [key, value.toString('base64')] as const,
    )
    const facts: FolderFacts = { mode, uid, gid, modifiedAt, attributes }
    const isThere = this.tree.get(path)?.kind === 'folder'
    this.tree.set(path, { kind: 'folder', facts })
    if (isThere) this.late.add(path)
    else this.#emit(this.folderEntry(path, facts))
  }

  #link(entry: TarEntry, path: ByteString): void {
    const target = cleanName(entry.target)
    const place = this.tree.find(target) ?? target
    const there = this.tree.get(place)
    if (place === path && there && there.kind !== 'folder') return
    if (there?.kind === 'folder' || target === '') {
      const words = `its entry ${showName(path)} is a hard link to the folder ${showName(target)}`
      throw new NarwhalError('invalid', words)
    }
    if (there === undefined || there.kind === 'far') {
      const node: LayerNode = { kind: 'far', target }
      this.tree.set(path, node)
      this.farLinks.set(path, { node })
      return
    }
    this.tree.set(path, there)
    this.#emit(this.encode({ ...entry, name: `./${path}`, target: `./${place}`, attributes: NONE }))
  }

  #device(entry: TarEntry, path: ByteString): void {
    // A character device 0:0 is how overlay itself hides a file.
    const isMark = entry.kind === 'character' && entry.major === 0 && entry.minor === 0
    if (this.form.devices && !isMark) return this.#plain(entry, path)
    if (isMark) this.leftOut.attributes += 1
    else this.leftOut.devices += 1
  }

  #plain(entry: TarEntry, path: ByteString): void {
    const { kind, target } = entry
    this.tree.set(path, kind === 'symlink' ? { kind, target } : { kind: 'file' })
    this.bytes += entry.sizeBytes
    this.#emit(this.encode({ ...entry, name: `./${path}`, attributes: this.#kept(entry) }))
    if (kind === 'file') this.#size = entry.sizeBytes
  }

  #kept({ kind, attributes }: TarEntry): ReadonlyMap<string, Buffer> {
    const isFile = kind === 'file'
    const { kept, dropped } = keptAttributes(attributes, isFile, this.form)
    this.leftOut.attributes += dropped
    // Others can't have those of users.
    return isFile || kind === 'folder' ? kept : NONE
  }

  #count({ uid, gid, kind }: TarEntry, path: ByteString): void {
    const id = Math.max(uid, gid)
    if (kind === 'link' || id <= this.highest.id) return
    this.highest.id = id
    this.highest.path = path
  }

  #shift(id: number): number {
    const { first, count } = this.form
    return first + Math.min(id, count - 1, HIGHEST_ID - first)
  }

  #emit(blocks: readonly Buffer[]): void {
    for (const block of blocks) this.#write(block)
  }
}

const NONE: ReadonlyMap<string, Buffer> = new Map()
export const BARE = { target: '', sizeBytes: 0, major: 0, minor: 0 }
