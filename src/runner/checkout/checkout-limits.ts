import { NarwhalError } from '../../lib/errors.ts'
import type { ObjectReader } from '../mirror/object-reader.ts'
import { readCommit, readTree } from '../mirror/read-commit.ts'

/** The limits of one checkout. */
export interface CheckoutLimits {
  readonly files: number
  readonly bytes: number
}

const DEEPEST = 200
const INFOS_AT_ONCE = 500
const MOST_REMEMBERED = 50_000

interface Size {
  readonly files: number
  readonly bytes: number
}

/**
 * Determines the size of a commit's working tree without writing it. Each tree is read once, however
 * often it occurs in others (ten levels of ten equal folders are ten reads), and cached.
 */
export class TreeSizes {
  readonly #limits: CheckoutLimits
  readonly #known = new Map<string, Size>()

  constructor(limits: CheckoutLimits) {
    this.#limits = limits
  }

  /** Rejects with `too_large` and the limit, and as `ObjectReader.read` does. */
  async check(objects: ObjectReader, sha: string): Promise<void> {
    const { tree } = await readCommit(objects, sha)
    const { files, bytes } = await this.#sizeOf(objects, tree, 0)
    const { files: mostFiles, bytes: mostBytes } = this.#limits
    if (files > mostFiles) {
      throw refuse(sha, `more files than the limit of ${mostFiles}`)
    }
    if (bytes > mostBytes) {
      throw refuse(sha, `${megabytes(bytes)} of files, and the limit is ${megabytes(mostBytes)}`)
    }
  }

  async #sizeOf(objects: ObjectReader, tree: string, depth: number): Promise<Size> {
    const known = this.#known.get(tree)
    if (known) return known
    if (depth > DEEPEST) throw refuse(tree, `folders nested more than ${DEEPEST} deep`)
    let files = 0
    let bytes = 0
    let blobs: string[] = []
    const weigh = async (): Promise<void> => {
      const infos = await Promise.all(blobs.map((id) => objects.info(id)))
      for (const info of infos) bytes += info?.size ?? 0
      blobs = []
    }
    for (const { mode, id } of await readTree(objects, tree)) {
      if (mode === '40000') {
        const size = await this.#sizeOf(objects, id, depth + 1)
        files += size.files
        bytes += size.bytes
      } else if (mode !== '160000') {
        files++
        if (blobs.push(id) >= INFOS_AT_ONCE) await weigh()
      }
    }
    await weigh()
    if (this.#known.size >= MOST_REMEMBERED) this.#known.clear()
    // The folder itself counts as a file.
    const size = { files: files + 1, bytes }
    this.#known.set(tree, size)
    return size
  }
}

function refuse(id: string, what: string): NarwhalError {
  return new NarwhalError('too_large', `${id} has ${what}: clone_failed: limit`)
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`
}
