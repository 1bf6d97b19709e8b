import { wholeCharacters } from './line-bytes.ts'

/** Longer lines are cut, with a mark where they were, so that no reader meets an endless one. */
export const LONGEST_LINE = 64 * 1024

/** What was written behind the last line end of a stream, in a buffer that grows with it. */
export class UnfinishedLine {
  #buffer = Buffer.alloc(0)
  #length = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  /** Adds what follows; `onCut` gets each piece of the longest length that goes on behind it. */
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

  /** Gives out all of it. */
  take(): Buffer {
    return this.#takeFirst(this.#length)
  }

  /** Gives out the characters that are whole. */
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
