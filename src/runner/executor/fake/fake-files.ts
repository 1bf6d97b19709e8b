import { matchesGlobs } from '../../../core/plan/glob.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import type { ArchiveOptions } from '../executor.ts'
import { checkSize } from '../reading/archive-files.ts'
import { checkPatterns } from '../reading/archive-walks.ts'
import { checkPath } from '../reading/sandbox-path.ts'
import { TAR_END, tarHeader, tarPadding } from '../reading/tar-blocks.ts'

const WORKSPACE = '/workspace'

/** The files of a fake sandbox, by absolute path. */
export class FakeFiles {
  readonly workspace = WORKSPACE
  readonly #files = new Map<string, Uint8Array>()

  /** Appends to a file, which is created if needed. */
  append(path: string, text: string): void {
    const place = absolute(path)
    this.#files.set(
      place,
      Buffer.concat([this.#files.get(place) ?? Buffer.alloc(0), Buffer.from(text)]),
    )
  }

  /** As `Sandbox.read`; a path with files below it is a folder. */
  read(path: string, maxBytes: number): Uint8Array | undefined {
    checkPath(path)
    const place = absolute(path)
    const bytes = this.#files.get(place)
    if (bytes && bytes.length > maxBytes) {
      const words = `${JSON.stringify(path)} is larger than ${maxBytes} bytes`
      throw new NarwhalError('too_large', words)
    }
    if (!bytes && [...this.#files.keys()].some((one) => one.startsWith(`${place}/`))) {
      throw new NarwhalError('conflict', `${JSON.stringify(path)} is not a regular file`)
    }
    return bytes
  }

  /** As `Sandbox.archive`, of plain files. */
  *archive(
    patterns: readonly string[],
    { maxBytes, signal }: ArchiveOptions,
  ): Generator<Uint8Array, void, undefined> {
    checkPatterns(patterns)
    const files = [...this.#files]
      .filter(([path]) => path.startsWith(`${WORKSPACE}/`))
      .map(([path, bytes]) => ({ path: path.slice(WORKSPACE.length + 1), bytes }))
      .filter(({ path }) => matchesGlobs(path, patterns) && !path.split('/').includes('.git'))
      .toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
      .map(({ path, bytes }) => {
        const entry = { type: 'File' as const, path, mode: 0o644, mtime: 0, size: bytes.length }
        return { entry, bytes }
      })
    checkSize(files, maxBytes)
    for (const { entry, bytes } of files) {
      signal.throwIfAborted()
      yield tarHeader(entry)
      yield bytes
      yield tarPadding(entry.size)
    }
    yield TAR_END
  }
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `${WORKSPACE}/${path}`
}
