import { NarwhalError } from '../../lib/errors.ts'

/** An object's type and size in bytes, as reported by git. */
export interface ObjectInfo {
  readonly id: string
  readonly type: string
  readonly size: number
}

interface Asked {
  readonly withContent: boolean
  readonly resolve: (answer: { info: ObjectInfo; content: Buffer } | undefined) => void
}

const LONGEST_HEAD = 200
const HEAD = /^([0-9a-f]{40,64}) (\w+) (\d+)$/

/**
 * Parses the answers of `git cat-file --batch-command`: a line with name, type and size, and, if the
 * content was requested, that many bytes and a newline. Contents are counted and never searched, so
 * that none can pass for another answer. Throws `unavailable` for an invalid answer.
 */
export class ObjectStream {
  readonly #asked: Asked[] = []
  #chunks: Buffer[] = []
  #bytes = 0
  /** The answer whose content is incomplete. */
  #info: ObjectInfo | undefined

  /** Expects one more answer; undefined if there is no such object. */
  expect(withContent: boolean): Promise<{ info: ObjectInfo; content: Buffer } | undefined> {
    return new Promise((resolve) => this.#asked.push({ withContent, resolve }))
  }

  get isIdle(): boolean {
    return this.#asked.length === 0
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    while (this.#step());
  }

  /** Takes one answer, or the head of one; false if more data is needed. */
  #step(): boolean {
    if (this.#info) {
      // The content is followed by a newline.
      if (this.#bytes <= this.#info.size) return false
      const content = this.#take(this.#info.size + 1).subarray(0, this.#info.size)
      this.#answer({ info: this.#info, content })
      this.#info = undefined
      return this.#bytes > 0
    }
    const all = this.#whole()
    const end = all.indexOf('\n')
    if (end === -1 && all.length <= LONGEST_HEAD) return false
    const line = all.toString('latin1', 0, end === -1 ? LONGEST_HEAD : end)
    if (end !== -1) this.#take(end + 1)
    this.#head(line)
    return this.#bytes > 0
  }

  #head(line: string): void {
    const asked = this.#asked[0]
    if (asked && line.endsWith(' missing')) return this.#answer(undefined)
    const [, id, type, size] = HEAD.exec(line) ?? []
    if (!asked || !id || !type || !size) {
      throw new NarwhalError('unavailable', `git cat-file answered ${JSON.stringify(line)}`)
    }
    const info = { id, type, size: Number(size) }
    if (asked.withContent) this.#info = info
    else this.#answer({ info, content: Buffer.alloc(0) })
  }

  #answer(answer: { info: ObjectInfo; content: Buffer } | undefined): void {
    this.#asked.shift()?.resolve(answer)
  }

  #whole(): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks)
    this.#chunks = [all ?? Buffer.alloc(0)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }

  #take(bytes: number): Buffer {
    const all = this.#whole()
    this.#chunks = [all.subarray(bytes)]
    this.#bytes -= bytes
    return all.subarray(0, bytes)
  }
}
