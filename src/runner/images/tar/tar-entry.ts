/**
 * Names are bytes, in a string with one character for each (`latin1`): archives hold names in any encoding,
 * and file capabilities and other attributes are binary.
 */
export type ByteString = string

export type TarKind = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'folder' | 'fifo'

/** An entry of a tar archive, without its data. */
export interface TarEntry {
  readonly kind: TarKind
  readonly name: ByteString
  /** What a link leads to; empty for other kinds. */
  readonly target: ByteString
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
  /** Seconds since 1970, decimal, maybe negative or with a fraction. */
  readonly modifiedAt: string
  readonly major: number
  readonly minor: number
  /** Extended attributes, by name. */
  readonly attributes: ReadonlyMap<string, Buffer>
}

export const BLOCK = 512
export const HIGHEST_ID = 0xffff_fffe

export function showName(name: ByteString): string {
  return Buffer.from(name, 'latin1').toString('utf8')
}
