import { randomBytes } from 'node:crypto'

/**
 * The line that is written to a step's output streams right after its script has ended. A pipe preserves
 * order, so a reader that has reached the line has everything that the script wrote, and need not wait for
 * leftover processes that keep the pipe open.
 *
 * A script that finds out the token and prints it fools only its own job: it could just as well `exit 0`.
 */
export class EndMarker {
  /** Begins with a character that text rarely contains, so output is seldom held back for it. */
  readonly token = `\u0001narwhal-end-${randomBytes(16).toString('hex')}`
  readonly #bytes = Buffer.from(this.token)

  /** A finder for one stream. */
  finder(): EndFinder {
    return new EndFinder(this.#bytes)
  }
}

/** The content of a chunk: output of the script, and the rest of the marker's line once it has arrived. */
export interface Found {
  /** A part of the chunk, or a buffer of its own. */
  readonly output: Uint8Array
  /** What follows the token on its line. Nothing after that line is the script's. */
  readonly facts?: string
}

const NOTHING = Buffer.alloc(0)

/** Holds back at most the beginning of a marker, which may be split anywhere. */
export class EndFinder {
  readonly #token: Buffer
  #held: Buffer = NOTHING

  constructor(token: Buffer) {
    this.#token = token
  }

  feed(chunk: Buffer): Found {
    const data = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk
    const start = data.indexOf(this.#token)
    if (start < 0) return this.#hold(data, data.length - this.#tail(data))
    const end = data.indexOf('\n', start)
    if (end < 0) return this.#hold(data, start)
    const facts = data.toString('utf8', start + this.#token.length, end).trim()
    return { output: data.subarray(0, start), facts }
  }

  /** What is held back when the stream ends without a marker. */
  rest(): Uint8Array {
    return this.#held
  }

  #hold(data: Buffer, from: number): Found {
    // A copy: the caller may reuse the chunk afterwards.
    this.#held = from < data.length ? Buffer.from(data.subarray(from)) : NOTHING
    return { output: data.subarray(0, from) }
  }

  /** The number of bytes at the end that may be the beginning of the token. */
  #tail(data: Buffer): number {
    const longest = Math.min(this.#token.length - 1, data.length)
    for (let length = longest; length > 0; length--) {
      const from = data.length - length
      if (
        data[from] === this.#token[0] &&
        data.subarray(from).equals(this.#token.subarray(0, length))
      )
        return length
    }
    return 0
  }
}
