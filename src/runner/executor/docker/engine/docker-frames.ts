import type { OutputStream } from '../../executor.ts'

export interface FramePart {
  readonly stream: OutputStream
  readonly chunk: Buffer
}

const HEADER_BYTES = 8
const STDERR = 2

/**
 * Demultiplexes the Engine's stream: frames of an 8-byte header (stream type, three zeros, big-endian length)
 * and a payload. Chunks may end anywhere; only a partial header is buffered. A program that writes line by
 * line makes a frame of each line: adjacent ones are joined.
 */
export class FrameReader {
  #header: Buffer = Buffer.alloc(0)
  #stream: OutputStream = 'stdout'
  #missing = 0

  /** The payload in `data`, in order; adjacent parts are of different streams. */
  read(data: Buffer): readonly FramePart[] {
    const parts: { stream: OutputStream; chunks: Buffer[] }[] = []
    let at = 0
    while (at < data.length) {
      if (this.#missing === 0) {
        at += this.#readHeader(data, at)
        continue
      }
      const chunk = data.subarray(at, at + this.#missing)
      this.#missing -= chunk.length
      at += chunk.length
      const last = parts.at(-1)
      if (last?.stream === this.#stream) last.chunks.push(chunk)
      else parts.push({ stream: this.#stream, chunks: [chunk] })
    }
    return parts.map(({ stream, chunks }) => {
      const [only = Buffer.alloc(0)] = chunks
      return { stream, chunk: chunks.length === 1 ? only : Buffer.concat(chunks) }
    })
  }

  /** Returns the number of bytes in `data` that belong to the header. */
  #readHeader(data: Buffer, at: number): number {
    const wanted = HEADER_BYTES - this.#header.length
    const part = data.subarray(at, at + wanted)
    const header = this.#header.length > 0 ? Buffer.concat([this.#header, part]) : part
    if (header.length < HEADER_BYTES) {
      this.#header = header
    } else {
      this.#header = Buffer.alloc(0)
      this.#stream = header[0] === STDERR ? 'stderr' : 'stdout'
      this.#missing = header.readUInt32BE(4)
    }
    return part.length
  }
}
