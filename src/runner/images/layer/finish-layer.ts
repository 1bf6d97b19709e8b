import type { ByteString } from '../tar/tar-entry.ts'
import { foldersAbove, parentOf } from './entry-name.ts'
import { PLAIN_FOLDER } from './layer-index.ts'
import type { LayerTree } from './layer-tree.ts'
import { BARE, type LayerRewriter } from './rewrite-layer.ts'

/**
 * The entries that are written once all of a layer's own are there: marks for overlay, links to files that
 * came later, folders that were described late. Marks hide lower layers only, in whatever order they stood.
 */
export function finishLayer(layer: LayerRewriter): Buffer[] {
  const blocks = [...linkLate(layer), ...hide(layer)]
  markOpaque(layer)
  for (const path of [...layer.late].sort()) {
    const node = layer.tree.get(path)
    if (node?.kind !== 'folder') continue
    blocks.push(...layer.folderEntry(path, node.facts ?? PLAIN_FOLDER, node.isOpaque))
  }
  return blocks
}

/** Links of links as well, in any order; what remains leads to lower layers. */
function linkLate(layer: LayerRewriter): Buffer[] {
  const blocks: Buffer[] = []
  for (const [path, { node }] of layer.farLinks) {
    // Another entry may have taken its place.
    if (layer.tree.get(path) !== node) continue
    const place = endOf(layer.tree, path)
    const there = place === undefined ? undefined : layer.tree.get(place)
    if (!there || there.kind === 'folder') continue
    layer.tree.set(path, there)
    layer.late.add(parentOf(path))
    const link = { ...BARE, ...PLAIN_FOLDER, kind: 'link' as const, attributes: new Map() }
    blocks.push(...layer.encode({ ...link, name: `./${path}`, target: `./${place}` }))
  }
  return blocks
}

const LONGEST_CHAIN = 100

/** Where a chain of links ends in this layer; undefined: below it, or nowhere. */
function endOf(tree: LayerTree, start: ByteString): ByteString | undefined {
  let path: string | undefined = start
  for (let length = 0; path !== undefined && length < LONGEST_CHAIN; length++) {
    const node = tree.get(path)
    if (node?.kind !== 'far') return node ? path : undefined
    path = tree.find(node.target)
  }
  return undefined
}

function hide(layer: LayerRewriter): Buffer[] {
  const { tree, hidden, opaque } = layer
  const blocks: Buffer[] = []
  // From the top: what is below a name that is gone needs no mark of its own.
  const marks = [...hidden].sort((a, b) => a.length - b.length)
  for (const mark of marks) {
    const path = tree.find(mark)
    if (path === undefined || foldersAbove(path).some((one) => !isFolderOrNew(layer, one))) continue
    const node = tree.get(path)
    if (node?.kind === 'folder') {
      opaque.add(path)
      // A new folder: what the one below was like is gone, too.
      tree.set(path, { ...node, facts: node.facts ?? PLAIN_FOLDER })
    }
    if (node) continue
    blocks.push(...implyAbove(layer, path))
    tree.set(path, { kind: 'whiteout' })
    const entry = { ...BARE, ...PLAIN_FOLDER, kind: 'character' as const, attributes: new Map() }
    blocks.push(...layer.encode({ ...entry, mode: 0, name: `./${path}` }))
  }
  return blocks
}

function markOpaque(layer: LayerRewriter): void {
  const { tree, opaque } = layer
  for (const mark of opaque) {
    const path = mark === '' ? '' : tree.find(mark)
    if (path === undefined) continue
    const node = tree.get(path)
    // A file there hides all below anyway.
    if (node && node.kind !== 'folder') continue
    for (const one of tree.missingAbove(path)) {
      tree.set(one, { kind: 'folder' })
      layer.late.add(one)
    }
    tree.set(path, { kind: 'folder', ...node, isOpaque: true })
    layer.late.add(path)
    layer.late.add(parentOf(path))
  }
}

function implyAbove(layer: LayerRewriter, path: ByteString): Buffer[] {
  const missing = layer.tree.missingAbove(path)
  for (const one of missing) layer.tree.set(one, { kind: 'folder' })
  layer.late.add(parentOf(path))
  for (const one of missing) layer.late.add(parentOf(one))
  return missing.flatMap((one) => layer.folderEntry(one, PLAIN_FOLDER))
}

function isFolderOrNew({ tree }: LayerRewriter, path: ByteString): boolean {
  const node = tree.get(path)
  return node === undefined || node.kind === 'folder'
}
