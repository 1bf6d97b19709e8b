import { availableParallelism } from 'node:os'
import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib'

/** The stream emits its output as slices of buffers of this size. */
const BUFFER_BYTES = 512 * 1024
/** Smaller outputs are copied, so that keeping one doesn't retain such a buffer. */
const LEAST_SHARED = 128 * 1024

/**
 * Compresses off the event loop, one text at a time, each to its own Zstandard frame, reusing one context: a
 * new one for each would cost more memory than the text.
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

  /** How many texts are queued. */
  get waiting(): number {
    return this.#waiting
  }

  /** The parts must not change until it resolves. */
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
    // An error while nobody waits is irrelevant.
    stream.on('error', () => {})
    return stream
  }
}

/** One lane per processor; each is opened by its first text. */
export class ZstdLanes {
  readonly #lanes: readonly ZstdLane[]

  constructor(params: Readonly<Record<number, number>>) {
    this.#lanes = Array.from({ length: availableParallelism() }, () => new ZstdLane(params))
  }

  /** Compresses the concatenated parts, which must not change until it resolves. */
  compress(parts: readonly Uint8Array[]): Promise<Uint8Array> {
    const lane = this.#lanes.reduce((best, one) => (one.waiting < best.waiting ? one : best))
    return lane.compress(parts)
  }
}
