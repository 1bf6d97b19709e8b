import { chunkOf } from '../../contract/log/log-chunk.ts'
import type { LogChunk } from '../../core/attempt/log-chunk.ts'
import type { OutputListener } from '../executor/executor.ts'
import { ChunkPacker } from '../log/chunk-packer.ts'
import type { JobLog } from '../log/job-log.ts'
import type { JobMask } from '../masking/job-mask.ts'
import { MaskedLines } from '../masking/masked-lines.ts'

/** What a chunk costs in memory besides its content. */
const CHUNK_BYTES = 300

/**
 * The log of what runs beside the steps. In an attempt's log the lines of one step stand together, so
 * this one is held, packed, until the steps are over: the newest of it, within `maxBytes`.
 */
export class HeldLog {
  readonly #step: number
  readonly #maxBytes: number
  readonly #packer = new ChunkPacker((chunk) => this.#add(chunk))
  readonly #lines: MaskedLines
  #chunks: LogChunk[] = []
  #bytes = 0
  #lost = 0
  #isEnded = false

  constructor(step: number, maxBytes: number, mask: JobMask) {
    this.#step = step
    this.#maxBytes = maxBytes
    this.#lines = new MaskedLines(step, (lines) => this.#packer.add(lines), mask)
  }

  /** What comes after the end is left out. */
  readonly write: OutputListener = (stream, chunk) => {
    if (this.#isEnded) return undefined
    this.#lines.write(stream, chunk)
    return this.#packer.room()
  }

  /** Narwhal's own words. */
  say(text: string): void {
    if (!this.#isEnded) this.#lines.say(text)
  }

  /** Ends it and adds all of it to the job's log, as fast as it is taken. */
  async release(log: JobLog): Promise<void> {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#lines.end()
    await this.#packer.flush()
    if (this.#lost > 0) {
      const text = `${this.#lost} lines before this are left out: of what runs beside the steps the newest is kept`
      const chunk = chunkOf(this.#step, [{ at: Date.now(), stream: 'narwhal', text }])
      log.add(chunk)
    }
    for (const chunk of this.#chunks.splice(0)) {
      await log.room()
      log.add(chunk)
    }
  }

  #add(chunk: LogChunk): void {
    this.#chunks.push(chunk)
    this.#bytes += sizeOf(chunk)
    while (this.#bytes > this.#maxBytes && this.#chunks.length > 1) {
      const oldest = this.#chunks.shift()
      if (!oldest) return
      this.#bytes -= sizeOf(oldest)
      this.#lost += oldest.lineCount
    }
  }
}

function sizeOf({ content }: LogChunk): number {
  return content.length + CHUNK_BYTES
}
