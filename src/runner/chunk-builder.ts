import type { LooseLines } from '../contract/log-chunk.ts'
import type { LogRun } from '../contract/log-content.ts'

/** A full chunk: large enough to be packed well and to cost few rows, small enough to be opened at once. */
const FULL_BYTES = 512 * 1024
const FULL_LINES = 5_000

/**
 * Gathers the text of one step until it makes a chunk. This is where all of a log passes by as text
 * before its first byte is stored or sent: what must not be in a log is taken out before `add`.
 */
export class ChunkBuilder {
  readonly #step: number
  #runs: LogRun[] = []
  #parts: Uint8Array[] = []
  #bytes = 0
  #lines = 0

  constructor(step: number) {
    this.#step = step
  }

  get isEmpty(): boolean {
    return this.#lines === 0
  }

  get isFull(): boolean {
    return this.#bytes >= FULL_BYTES || this.#lines >= FULL_LINES
  }

  /** Adds `count` whole lines, UTF-8, each ended by `\n`: at most 5,000 lines and 512 KiB at a time. */
  add(stream: LogRun['stream'], text: Uint8Array, count: number): void {
    const at = Date.now()
    const last = this.#runs.at(-1)
    if (last && last.at === at && last.stream === stream) {
      this.#runs[this.#runs.length - 1] = { ...last, count: last.count + count }
    } else {
      this.#runs.push({ count, stream, at })
    }
    this.#parts.push(text)
    this.#bytes += text.length
    this.#lines += count
  }

  /** Gives out what has gathered, and begins anew. There must be something. */
  take(): LooseLines {
    const lines = { step: this.#step, runs: this.#runs, parts: this.#parts }
    this.#runs = []
    this.#parts = []
    this.#bytes = 0
    this.#lines = 0
    return lines
  }
}
