import { Header } from 'tar/header'
import { Pax } from 'tar/pax'

const BLOCK_BYTES = 512

export interface TarEntry {
  readonly type: 'File' | 'Directory' | 'SymbolicLink' | 'Link'
  /** With `/` between its parts, from the root of the archive. */
  readonly path: string
  /** Permission bits only. */
  readonly mode: number
  /** In whole epoch seconds. */
  readonly mtime: number
  /** 0 for everything but a file. */
  readonly size: number
  /** The target of a link: a text, or the path of an earlier file. */
  readonly linkpath?: string
}

/** The header of an entry, in POSIX pax format if the old one has no room; owner and group are 0. */
export function tarHeader(entry: TarEntry): Uint8Array {
  const path = entry.type === 'Directory' ? `${entry.path}/` : entry.path
  const mtime = new Date(entry.mtime * 1_000)
  const header = new Header({ ...entry, path, mtime, uid: 0, gid: 0 })
  const block = Buffer.alloc(BLOCK_BYTES)
  if (!header.encode(block)) return block
  const { size, linkpath } = entry
  const known = linkpath === undefined ? { path, size } : { path, size, linkpath }
  return Buffer.concat([new Pax(known).encode(), block])
}

/** Padding of the last block after `size` bytes. */
export function tarPadding(size: number): Uint8Array {
  return Buffer.alloc((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES)
}

/** An archive is incomplete without it. */
export const TAR_END: Uint8Array = Buffer.alloc(2 * BLOCK_BYTES)
