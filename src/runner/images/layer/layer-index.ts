import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { ByteString } from '../tar/tar-entry.ts'

/** What a folder is like, apart from what is in it. */
export interface FolderFacts {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly modifiedAt: string
  /** Extended attributes, base64. */
  readonly attributes: readonly (readonly [string, string])[]
}

/**
 * What a layer has at a path: something of its own, or a mark that hides what is below. A folder is *implied*
 * if the layer has entries in it and none for it; a *far* link is a hard link to a file of a lower layer, which
 * is not in the layer's folder.
 */
export type LayerNode =
  | { readonly kind: 'file' | 'whiteout' }
  | { readonly kind: 'symlink' | 'far'; readonly target: ByteString }
  | {
      readonly kind: 'folder'
      /** Absent: implied. */
      readonly facts?: FolderFacts
      /** Whether nothing of lower layers is visible in it. */
      readonly isOpaque?: true
    }

/** Everything in a layer by path; the root, which is always there, is ''. */
export type LayerIndex = ReadonlyMap<ByteString, LayerNode>

/** Root's, as engines create folders that no layer describes. */
export const PLAIN_FOLDER: FolderFacts = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  modifiedAt: '0',
  attributes: [],
}

export async function encodeIndex(index: LayerIndex): Promise<Buffer> {
  return promisify(gzip)(JSON.stringify([...index]))
}

/** Our own file: it is trusted. */
export async function decodeIndex(bytes: Buffer): Promise<LayerIndex> {
  const text = (await promisify(gunzip)(bytes)).toString()
  return new Map(JSON.parse(text) as [ByteString, LayerNode][])
}
