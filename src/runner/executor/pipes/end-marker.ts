import { randomBytes } from 'node:crypto'

/**
 * The line that is written to a step's output streams right after its script has ended. What a pipe
 * carries stays in order, so whoever reads up to the line has all that the script wrote, without
 * waiting for processes that the script left behind with the pipe in their hands.
 *
 * A script that finds the token out and prints it fools only its own job: it could as well `exit 0`.
 */
export class EndMarker {
  /** Starts with a character that text does not hold, so output is seldom held back for it. */
  readonly token = `\u0001narwhal-end-${randomBytes(16).toString('hex')}`
  readonly #bytes = Buffer.from(this.token)

  /** A finder for one stream. */
  finder(): EndFinder {
    return new EndFinder(this.#bytes)
  }
}

/** What a chunk held: output of the script, and the rest of the marker's line once that is there. */
export interface Found {
  /** A part of the chunk, or a buffer of its own. */
  readonly output: Uint8Array
  /** What stood between the token and the end of its line. Nothing after it is the script's. */
  readonly facts?: string
}

const NOTHING = Buffer.alloc(0)

/** Holds back at most the beginning of a marker, which may be cut anywhere. */
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
    // A copy: the chunk is the caller's again afterwards.
    this.#held = from < data.length ? Buffer.from(data.subarray(from)) : NOTHING
    return { output: data.subarray(0, from) }
  }

  /** How many bytes at the end could be the beginning of the token. */
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
