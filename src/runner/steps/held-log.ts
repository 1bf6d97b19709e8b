import { chunkOf } from '../../contract/log/log-chunk.ts'
import type { LogChunk } from '../../core/attempt/log-chunk.ts'
import type { OutputListener } from '../executor/executor.ts'
import { ChunkPacker } from '../log/chunk-packer.ts'
import type { JobLog } from '../log/job-log.ts'
import type { JobMask } from '../masking/job-mask.ts'
import { MaskedLines } from '../masking/masked-lines.ts'

/** The overhead of a chunk in memory. */
const CHUNK_BYTES = 300

/**
 * The log of a background step or a service. An attempt's log is ordered by step, so the newest part
 * of this one, at most `maxBytes`, is held, packed, until the steps are over.
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

  /** Output after the end is dropped. */
  readonly write: OutputListener = (stream, chunk) => {
    if (this.#isEnded) return undefined
    this.#lines.write(stream, chunk)
    return this.#packer.room()
  }

  /** Adds a line of Narwhal's own. */
  say(text: string): void {
    if (!this.#isEnded) this.#lines.say(text)
  }

  /** Ends it and appends it to the job's log, as fast as that accepts it. */
  async release(log: JobLog): Promise<void> {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#lines.end()
    await this.#packer.flush()
    if (this.#lost > 0) {
      const text = `${this.#lost} lines before this are omitted: only the newest output of background steps and services is kept`
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
