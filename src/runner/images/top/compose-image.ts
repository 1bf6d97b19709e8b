import { NarwhalError } from '../../../lib/errors.ts'
import { foldersAbove, parentOf } from '../layer/entry-name.ts'
import { type FolderFacts, type LayerIndex, PLAIN_FOLDER } from '../layer/layer-index.ts'
import { type ByteString, showName } from '../tar/tar-entry.ts'
import { VisibleTree } from './visible.ts'

/** What an image's layers need besides their folders, since they depend on each other. */
export interface Composition {
  /** The number of the lowest layer of which anything is visible. */
  readonly lowest: number
  /** The folders of the thin top, those above first, each with what it is like. */
  readonly folders: readonly (readonly [ByteString, FolderFacts])[]
  /** Files of the thin top: where each comes from. */
  readonly copies: readonly {
    readonly path: ByteString
    readonly layer: number
    readonly from: ByteString
  }[]
  /** For the log: what a user would look for in vain. */
  readonly notes: readonly string[]
}

/**
 * A layer is not always a function of its archive: folders without entries of their own are like those below,
 * and hard links may lead to files of lower layers. The thin top has exactly these. Throws `invalid` for a
 * link that leads nowhere. `layers` begins with the bottom one.
 */
export function composeImage(layers: readonly LayerIndex[]): Composition {
  const tree = new VisibleTree(layers)
  const copies = layers.flatMap((index, layer) => copiesOf(tree, index, layer))
  const wanted = new Set<ByteString>()
  for (const [layer, index] of layers.entries()) {
    for (const path of impliedIn(tree, index, layer)) wanted.add(path)
  }
  for (const { path } of copies) wanted.add(parentOf(path))
  const all = new Set([...wanted].flatMap((path) => ['', ...foldersAbove(path), path]))
  return {
    lowest: lowestOf(layers),
    folders: [...all].sort().map((path) => [path, tree.factsOf(path)] as const),
    copies,
    notes: layers.flatMap((index, layer) => [...hiddenLinks(tree, index, layer)]),
  }
}

function copiesOf(tree: VisibleTree, index: LayerIndex, layer: number): Composition['copies'] {
  const found: { path: ByteString; layer: number; from: ByteString }[] = []
  for (const [path, node] of index) {
    if (node.kind !== 'far') continue
    const source = sourceOf(tree, node.target, layer)
    if (source === undefined) {
      throw new NarwhalError(
        'invalid',
        `in its layer ${layer + 1}, ${showName(path)} is a hard link to ${showName(node.target)}, which no layer has`,
      )
    }
    if (tree.find(path)?.node === node) found.push({ path, ...source })
  }
  return found
}

/** The file that a link of a layer leads to, through links of lower ones. */
function sourceOf(
  tree: VisibleTree,
  target: ByteString,
  layer: number,
): { readonly layer: number; readonly from: ByteString } | undefined {
  let path = target
  let height = layer
  for (;;) {
    const at = tree.follow(path, height)
    if (!at || at.found.node.kind === 'folder') return undefined
    if (at.found.node.kind !== 'far') return { layer: at.found.layer, from: at.path }
    path = at.found.node.target
    height = at.found.layer
  }
}

/** Its implied folders that are visible, and that a lower layer describes. */
function* impliedIn(tree: VisibleTree, index: LayerIndex, layer: number): Generator<ByteString> {
  for (const [path, node] of index) {
    if (node.kind !== 'folder' || node.facts) continue
    const isTop = tree.find(path)?.layer === layer
    if (isTop && tree.factsOf(path, layer) !== PLAIN_FOLDER) yield path
  }
}

function* hiddenLinks(tree: VisibleTree, index: LayerIndex, layer: number): Generator<string> {
  for (const [path, node] of index) {
    if (node.kind !== 'folder' || tree.find(path, layer)?.node.kind !== 'symlink') continue
    yield `layer ${layer + 1} hides the link /${showName(path)} of a lower one: it has a folder there`
  }
}

function lowestOf(layers: readonly LayerIndex[]): number {
  const opaque = layers.findLastIndex((index) => {
    const root = index.get('')
    return root?.kind === 'folder' && root.isOpaque === true
  })
  return Math.max(0, opaque)
}
