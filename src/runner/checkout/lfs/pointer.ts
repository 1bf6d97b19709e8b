/** What a commit contains in place of a Git LFS file. */
export interface LfsPointer {
  /** SHA-256 of the file, hexadecimal. */
  readonly oid: string
  /** Bytes. */
  readonly size: number
}

/** No pointer is longer: github.com/git-lfs/git-lfs, docs/spec.md. */
export const LONGEST_POINTER = 1024
/** Nor shorter. */
export const SHORTEST_POINTER = 100

const VERSION = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n/

/** Undefined if the text is not a pointer, or has extensions, which change the content. */
export function parsePointer(text: string): LfsPointer | undefined {
  if (text.length > LONGEST_POINTER || !VERSION.test(text) || /^ext-/m.test(text)) return undefined
  const oid = /^oid sha256:([0-9a-f]{64})$/m.exec(text)?.[1]
  const size = /^size (\d{1,15})$/m.exec(text)?.[1]
  return oid === undefined || size === undefined ? undefined : { oid, size: Number(size) }
}
