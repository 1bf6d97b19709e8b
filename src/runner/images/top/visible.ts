import { foldersAbove, joinName } from '../layer/entry-name.ts'
import {
  type FolderFacts,
  type LayerIndex,
  type LayerNode,
  PLAIN_FOLDER,
} from '../layer/layer-index.ts'
import type { ByteString } from '../tar/tar-entry.ts'

/** Where something comes from: the number of its layer, from the bottom. */
export interface Found {
  readonly layer: number
  readonly node: LayerNode
}

/** Answers what an image's layers show together; the first is the bottom one. */
export class VisibleTree {
  readonly #layers: readonly LayerIndex[]

  constructor(layers: readonly LayerIndex[]) {
    this.#layers = layers
  }

  get height(): number {
    return this.#layers.length
  }

  /** What the layers below `height` show at a path. */
  find(path: ByteString, height = this.height): Found | undefined {
    const above = path === '' ? [] : ['', ...foldersAbove(path)]
    for (let layer = height - 1; layer >= 0; layer--) {
      const index = this.#layers[layer]
      const nodes = above.map((one) => index?.get(one))
      // A file or a mark in place of a folder hides everything below it.
      if (nodes.some((node) => node !== undefined && node.kind !== 'folder')) return undefined
      const node = index?.get(path)
      if (node) return node.kind === 'whiteout' ? undefined : { layer, node }
      if (nodes.some((one) => one?.kind === 'folder' && one.isOpaque)) return undefined
    }
    return undefined
  }

  /** As `find`, through symbolic links above the last part, as in the image's root. */
  follow(
    path: ByteString,
    height: number,
  ): { readonly path: string; readonly found: Found } | undefined {
    let left = path
    for (let links = 0; links < 40; links++) {
      const found = this.find(left, height)
      if (found) return { path: left, found }
      const next = this.#throughLink(left, height)
      if (next === undefined) return undefined
      left = next
    }
    return undefined
  }

  /** What a folder is like that layers below `height` show: as the highest of them says that describes it. */
  factsOf(path: ByteString, height = this.height): FolderFacts {
    for (let top = height; ; ) {
      const found = this.find(path, top)
      if (found?.node.kind !== 'folder') return PLAIN_FOLDER
      if (found.node.facts) return found.node.facts
      top = found.layer
    }
  }

  #throughLink(path: ByteString, height: number): ByteString | undefined {
    for (const folder of foldersAbove(path)) {
      const found = this.find(folder, height)
      if (found?.node.kind !== 'symlink') continue
      const { target } = found.node
      const from = target.startsWith('/')
        ? ''
        : folder.slice(0, Math.max(0, folder.lastIndexOf('/')))
      return normal(`${joinName(from, target)}${path.slice(folder.length)}`)
    }
    return undefined
  }
}

/** `..` above the root is the root. */
function normal(path: ByteString): ByteString {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}
