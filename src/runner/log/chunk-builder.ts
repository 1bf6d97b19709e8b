import type { LooseLines } from '../../contract/log/log-chunk.ts'
import type { LogRun } from '../../contract/log/log-content.ts'
import { takeTextBuffer } from './text-buffers.ts'

/** A full chunk: large enough to compress well and take few rows, small enough to unpack at once. */
const FULL_BYTES = 512 * 1024
const FULL_LINES = 5_000
/** A small chunk's buffer grows up to this; past it, it becomes one for a full chunk. */
const SMALL_BYTES = 32 * 1024
const NOTHING = Buffer.alloc(0)

/**
 * Collects the text of one step until it fills a chunk. All log text passes through here before its
 * first byte is stored or sent: what must not be in a log is removed before `add`.
 */
export class ChunkBuilder {
  readonly #step: number
  #runs: LogRun[] = []
  #buffer: Buffer = NOTHING
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

  /** Adds a copy of `count` whole UTF-8 lines, each ending in `\n`: at most 5,000 lines and 512 KiB. */
  add(stream: LogRun['stream'], text: Uint8Array, count: number): void {
    const at = Date.now()
    const last = this.#runs.at(-1)
    if (last && last.at === at && last.stream === stream) {
      this.#runs[this.#runs.length - 1] = { ...last, count: last.count + count }
    } else {
      this.#runs.push({ count, stream, at })
    }
    this.#reserve(this.#bytes + text.length)
    this.#buffer.set(text, this.#bytes)
    this.#bytes += text.length
    this.#lines += count
  }

  /** Takes what was collected, which must not be empty; its buffer may be returned to the pool. */
  take(): LooseLines {
    const text = this.#buffer.subarray(0, this.#bytes)
    const lines = { step: this.#step, runs: this.#runs, text }
    this.#runs = []
    this.#buffer = NOTHING
    this.#bytes = 0
    this.#lines = 0
    return lines
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return
    const isSmall = bytes <= SMALL_BYTES
    const larger = isSmall ? Buffer.allocUnsafe(Math.max(512, 2 * bytes)) : takeTextBuffer(bytes)
    larger.set(this.#buffer.subarray(0, this.#bytes))
    this.#buffer = larger
  }
}
