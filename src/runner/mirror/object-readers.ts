import type { GitEnv } from '../../lib/git/git.ts'
import { ObjectReader } from './object-reader.ts'

/** At most this many processes are kept, for the most recently read repositories. */
const MOST_READERS = 16
/** After this long without a read, a process is ended. */
const IDLE_MS = 300_000

/** The readers of the most recently read repositories, each with its process. */
export class ObjectReaders implements Disposable {
  readonly #env: GitEnv
  /** By the repository's path, the least recently used first. */
  readonly #readers = new Map<string, { reader: ObjectReader; usedAt: number }>()
  readonly #sweep: NodeJS.Timeout

  constructor(env: GitEnv) {
    this.#env = env
    this.#sweep = setInterval(() => this.#endIdle(), IDLE_MS / 5).unref()
  }

  of(repository: string): ObjectReader {
    const reader = this.#readers.get(repository)?.reader ?? new ObjectReader(repository, this.#env)
    this.#readers.delete(repository)
    this.#readers.set(repository, { reader, usedAt: performance.now() })
    for (const [path, one] of this.#readers) {
      if (this.#readers.size <= MOST_READERS) break
      if (one.reader.isIdle) this.end(path)
    }
    return reader
  }

  /** The repository is about to be removed. */
  end(repository: string): void {
    this.#readers.get(repository)?.reader[Symbol.dispose]()
    this.#readers.delete(repository)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweep)
    for (const path of this.#readers.keys()) this.end(path)
  }

  #endIdle(): void {
    for (const [path, { reader, usedAt }] of this.#readers) {
      if (reader.isIdle && performance.now() - usedAt > IDLE_MS) this.end(path)
    }
  }
}
