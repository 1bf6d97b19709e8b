import { type LooseLines, packChunk, packChunkAsync } from '../../contract/log/log-chunk.ts'
import type { LogChunk } from '../../core/attempt/log-chunk.ts'
import { giveTextBufferBack } from './text-buffers.ts'

/** Below this size, packing inline is faster than handing over to a thread. */
const LEAST_ASIDE = 32 * 1024
/** At most this many are packed concurrently; then writers have to wait. */
const MOST_AT_ONCE = 4

/**
 * Packs the chunks of a log and emits them in order: small ones inline, large ones in another
 * thread, so that a step that prints much does not block the event loop.
 */
export class ChunkPacker {
  readonly #emit: (chunk: LogChunk) => void
  #last: Promise<void> | undefined
  #waiting = 0
  #room: PromiseWithResolvers<void> | undefined

  /** `emit` must not throw. */
  constructor(emit: (chunk: LogChunk) => void) {
    this.#emit = emit
  }

  /** Takes ownership of the lines; their text must not be used afterwards. */
  add(lines: LooseLines): void {
    const isSmall = lines.text.length < LEAST_ASIDE
    if (isSmall && this.#waiting === 0) this.#emit(packChunk(lines))
    else this.#addAside(lines)
  }

  /** Undefined while there is room; otherwise resolves when there is room again. */
  room(): Promise<void> | undefined {
    if (this.#waiting < MOST_AT_ONCE) return undefined
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }

  /** Resolves when everything that was added has been emitted. */
  async flush(): Promise<void> {
    await this.#last
  }

  #addAside(lines: LooseLines): void {
    this.#waiting++
    // If the thread fails, the chunk is packed here: nothing of a log may be lost.
    const packed = packChunkAsync(lines).catch(() => packChunk(lines))
    this.#last = Promise.all([packed, this.#last]).then(([chunk]) => {
      this.#waiting--
      giveTextBufferBack(lines.text)
      this.#emit(chunk)
      this.#room?.resolve()
      this.#room = undefined
    })
  }
}
