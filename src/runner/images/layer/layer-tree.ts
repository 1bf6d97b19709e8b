import { NarwhalError } from '../../../lib/errors.ts'
import { type ByteString, showName } from '../tar/tar-entry.ts'
import { foldersAbove, joinName, nameIn, parentOf } from './entry-name.ts'
import type { LayerNode } from './layer-index.ts'

/** More is no image: each is kept in memory while its layer is unpacked. */
const MOST_ENTRIES = 1_000_000
/** Each costs a look at all entries. */
const MOST_REPLACED = 1_000
const MOST_LINKS = 40

/** What a layer holds so far, while its entries arrive; the later of two entries of one path wins. */
export class LayerTree {
  readonly nodes = new Map<ByteString, LayerNode>([['', { kind: 'folder' }]])
  #replaced = 0

  get(path: ByteString): LayerNode | undefined {
    return this.nodes.get(path)
  }

  /** Sets what is there; a folder's entries go with it if it becomes something else. */
  set(path: ByteString, node: LayerNode): void {
    if (this.get(path)?.kind === 'folder' && node.kind !== 'folder') this.#empty(path)
    this.nodes.set(path, node)
    if (this.nodes.size > MOST_ENTRIES) {
      throw new NarwhalError('invalid', `it has more than ${MOST_ENTRIES} entries`)
    }
  }

  /** The folders that must be added, as implied ones, so that the path can be there; from the top. */
  missingAbove(path: ByteString): ByteString[] {
    return foldersAbove(path).filter((one) => this.get(one) === undefined)
  }

  /**
   * Where an entry goes: symbolic links of this layer that are above it are followed, as in its root, the
   * last part isn't. Throws `invalid` if something above is no folder.
   */
  place(path: ByteString): ByteString {
    const place = this.find(path)
    if (place !== undefined) return place
    throw new NarwhalError('invalid', `its entry ${showName(path)} is below one that is no folder`)
  }

  /** As `place`; undefined instead of an error. */
  find(path: ByteString): ByteString | undefined {
    let left = path.split('/')
    let done = ''
    for (let links = 0; left.length > 1; ) {
      const [part = '', ...rest] = left
      const next = part === '..' ? parentOf(done) : part === '.' ? done : joinName(done, part)
      const node = this.get(next)
      if (node?.kind === 'symlink') {
        links += 1
        if (links > MOST_LINKS) return undefined
        if (node.target.startsWith('/')) done = ''
        left = [...node.target.split('/').filter((one) => one !== ''), ...rest]
      } else if (node !== undefined && node.kind !== 'folder') return undefined
      else {
        done = next
        left = rest
      }
    }
    return joinName(done, left[0] ?? '')
  }

  #empty(path: ByteString): void {
    this.#replaced += 1
    if (this.#replaced > MOST_REPLACED) {
      throw new NarwhalError('invalid', `it replaces more than ${MOST_REPLACED} of its own folders`)
    }
    for (const one of this.nodes.keys()) if (one.startsWith(`${path}/`)) this.nodes.delete(one)
  }
}

/** The name that a mark hides, or that the whole folder is opaque; undefined: no mark. */
export type Mark = { readonly hides: ByteString } | { readonly opaque: ByteString } | 'ignored'

const MARK = '.wh.'
const OPAQUE = '.wh..wh..opq'

/** How OCI layers say that something of a lower layer is gone. Throws `invalid` if it names nothing. */
export function markOf(path: ByteString): Mark | undefined {
  const name = nameIn(path)
  if (!name.startsWith(MARK)) return undefined
  if (name === OPAQUE) return { opaque: parentOf(path) }
  // Of an old union file system, for its own use.
  if (name.startsWith(`${MARK}${MARK}`)) return 'ignored'
  const hidden = name.slice(MARK.length)
  if (['', '.', '..'].includes(hidden)) {
    throw new NarwhalError('invalid', `its entry ${showName(path)} hides no name`)
  }
  return { hides: joinName(parentOf(path), hidden) }
}
