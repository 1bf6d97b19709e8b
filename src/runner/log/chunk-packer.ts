import { type LooseLines, packChunk, packChunkAside } from '../../contract/log/log-chunk.ts'
import type { LogChunk } from '../../core/attempt/log-chunk.ts'
import { giveTextBufferBack } from './text-buffers.ts'

/** Less is packed sooner than another thread hears of it. */
const LEAST_ASIDE = 32 * 1024
/** So many are packed at once; whoever writes more has to wait. */
const MOST_AT_ONCE = 4

/**
 * Packs the chunks of a log and gives them out in order: a few lines at once, many lines in another
 * thread, so that a step that prints much does not keep the runner from everything else.
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

  /** Takes the lines over; nobody else may look at their text afterwards. */
  add(lines: LooseLines): void {
    const isSmall = lines.text.length < LEAST_ASIDE
    if (isSmall && this.#waiting === 0) this.#emit(packChunk(lines))
    else this.#addAside(lines)
  }

  /** Undefined while there is room; else resolves when there is some again. */
  room(): Promise<void> | undefined {
    if (this.#waiting < MOST_AT_ONCE) return undefined
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }

  /** Resolves when everything that was added has been given out. */
  async flush(): Promise<void> {
    await this.#last
  }

  #addAside(lines: LooseLines): void {
    this.#waiting++
    // What a thread can't do is done here: nothing of a log is left out.
    const packed = packChunkAside(lines).catch(() => packChunk(lines))
    this.#last = Promise.all([packed, this.#last]).then(([chunk]) => {
      this.#waiting--
      giveTextBufferBack(lines.text)
      this.#emit(chunk)
      this.#room?.resolve()
      this.#room = undefined
    })
  }
}
