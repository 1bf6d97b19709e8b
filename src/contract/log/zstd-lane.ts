import { availableParallelism } from 'node:os'
import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib'

/** The stream gives its output out in parts of buffers of this size. */
const BUFFER_BYTES = 512 * 1024
/** Less is copied, so that what is kept of it does not keep such a buffer. */
const LEAST_SHARED = 128 * 1024

/**
 * Compresses beside the event loop, one text after the other, each to a Zstandard frame of its own, all in
 * one context: a new one for each costs more memory than the text.
 */
class ZstdLane {
  readonly #params: Readonly<Record<number, number>>
  #stream: ZstdCompress | undefined
  #pieces: Buffer[] = []
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(params: Readonly<Record<number, number>>) {
    this.#params = params
  }

  /** How many texts are not compressed yet. */
  get waiting(): number {
    return this.#waiting
  }

  /** The parts must stay as they are until it resolves. */
  async compress(parts: readonly Uint8Array[]): Promise<Uint8Array> {
    this.#waiting++
    const compressed = this.#last.then(() => this.#compress(parts))
    this.#last = compressed.catch(() => undefined)
    try {
      return await compressed
    } finally {
      this.#waiting--
    }
  }

  async #compress(parts: readonly Uint8Array[]): Promise<Uint8Array> {
    const stream = (this.#stream ??= this.#open())
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    stream.once('error', reject)
    try {
      for (const part of parts) stream.write(part)
      stream.flush(constants.ZSTD_e_end, resolve)
      await promise
      const [first] = this.#pieces
      const isShared = this.#pieces.length === 1 && first && first.length >= LEAST_SHARED
      return isShared ? first : Buffer.concat(this.#pieces)
    } catch (error) {
      this.#stream = undefined
      stream.destroy()
      throw error
    } finally {
      this.#pieces = []
      stream.off('error', reject)
    }
  }

  #open(): ZstdCompress {
    const stream = createZstdCompress({ params: this.#params, chunkSize: BUFFER_BYTES })
    stream.on('data', (piece: Buffer) => this.#pieces.push(piece))
    // One that nobody waits for has nothing to tell.
    stream.on('error', () => {})
    return stream
  }
}

/** So many lanes as there are processors, since no more go on at once; each is opened by its first text. */
export class ZstdLanes {
  readonly #lanes: readonly ZstdLane[]

  constructor(params: Readonly<Record<number, number>>) {
    this.#lanes = Array.from({ length: availableParallelism() }, () => new ZstdLane(params))
  }

  /** A frame of the parts, one behind the other, which must stay as they are until it resolves. */
  compress(parts: readonly Uint8Array[]): Promise<Uint8Array> {
    const lane = this.#lanes.reduce((best, one) => (one.waiting < best.waiting ? one : best))
    return lane.compress(parts)
  }
}
