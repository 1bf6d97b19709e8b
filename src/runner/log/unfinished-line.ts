import { wholeCharacters } from './line-bytes.ts'

/** Longer lines are split, with a mark at each cut, so that no reader has to handle an endless one. */
export const LONGEST_LINE = 64 * 1024

/** What a stream has after its last line end, in a buffer that grows with it. */
export class UnfinishedLine {
  #buffer = Buffer.alloc(0)
  #length = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  /** Appends bytes; `onCut` receives each full-length piece of a line that continues. */
  add(bytes: Uint8Array, onCut: (piece: Buffer) => void): void {
    let left = bytes
    while (left.length > 0) {
      if (this.#length === LONGEST_LINE) this.#cut(onCut)
      const part = left.subarray(0, LONGEST_LINE - this.#length)
      this.#reserve(this.#length + part.length)
      this.#buffer.set(part, this.#length)
      this.#length += part.length
      left = left.subarray(part.length)
    }
  }

  /** Takes all of it. */
  take(): Buffer {
    return this.#takeFirst(this.#length)
  }

  /** Takes the complete characters. */
  takeCharacters(): Buffer {
    return this.#takeFirst(wholeCharacters(this.#buffer.subarray(0, this.#length)))
  }

  #cut(onCut: (piece: Buffer) => void): void {
    const whole = wholeCharacters(this.#buffer.subarray(0, this.#length))
    onCut(this.#takeFirst(whole))
  }

  #takeFirst(length: number): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, length))
    this.#buffer.copyWithin(0, length, this.#length)
    this.#length -= length
    return taken
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.min(LONGEST_LINE, Math.max(256, 2 * bytes)))
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = larger
  }
}
