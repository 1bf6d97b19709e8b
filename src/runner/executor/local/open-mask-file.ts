import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { MaskFile, MaskFileView } from '../executor.ts'

/** A file of this machine that a sandbox sees at `path`. */
export function maskFileAt(path: string, file: string): MaskFile {
  return { path, open: () => new FolderMaskFile(file) }
}

/** Reading never blocks, and takes one `fstat` while nothing has changed. */
class FolderMaskFile implements MaskFileView {
  readonly #fd: number
  #state = ''
  #isClosed = false

  /** Throws the system's error if the file can't be opened; it must not be a link. */
  constructor(file: string) {
    this.#fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW)
  }

  look(maxBytes: number): { bytes: Uint8Array; size: number } | undefined {
    if (this.#isClosed) return undefined
    const { size, mtimeMs } = fstatSync(this.#fd)
    const state = `${size} ${mtimeMs}`
    if (state === this.#state || size === 0) return undefined
    this.#state = state
    const bytes = Buffer.alloc(Math.min(size, maxBytes))
    const length = readSync(this.#fd, bytes, 0, bytes.length, 0)
    return { bytes: bytes.subarray(0, length), size }
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return
    this.#isClosed = true
    closeSync(this.#fd)
  }
}
