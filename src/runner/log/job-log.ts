import { chunkOf } from '../../contract/log/log-chunk.ts'
import { costOf, type LogChunk } from '../../core/attempt/log-chunk.ts'
import {
  cutInWords,
  FLOOD_TIMES,
  LOG_TAIL_BYTES,
  leftOutInWords,
} from '../../core/attempt/log-limit.ts'
import type { EventSpool } from '../spool/event-spool.ts'

/** The size of a full chunk; reserved, so that the whole stays within the limit. */
const FULL_CHUNK_BYTES = 512 * 1024
/** The end of a log stays in memory in at most this many chunks: each has an overhead. */
const MOST_TAIL_CHUNKS = 20_000

export interface JobLogLimit {
  /** In bytes of text. */
  readonly maxBytes: number
  /** Called once, when far more than that was printed. */
  readonly onFlood: () => void
}

/**
 * The log of one attempt, limited in size, before the spool: its beginning goes there at once. Past
 * the limit, a line says so, and only the newest part is kept, packed in memory, until the job is
 * over; then it follows after a line that says how much is missing.
 *
 * States: *passing* → *cutting* → *released*. The order of lines never changes.
 */
export class JobLog {
  readonly #events: EventSpool
  readonly #limit: JobLogLimit
  readonly #headBytes: number
  #printed = 0
  #isCutting = false
  #isFlooded = false
  #tail: LogChunk[] = []
  #tailBytes = 0
  readonly #lost = { lines: 0, bytes: 0 }

  constructor(events: EventSpool, limit: JobLogLimit) {
    this.#events = events
    this.#limit = limit
    // The last chunk of the head and the oldest of the tail may each exceed their share.
    this.#headBytes = limit.maxBytes - LOG_TAIL_BYTES - 2 * FULL_CHUNK_BYTES
  }

  get mask(): EventSpool['mask'] {
    return this.#events.mask
  }

  /** Undefined while there is room; otherwise resolves when there is room again. */
  room(): Promise<void> | undefined {
    return this.#isCutting ? undefined : this.#events.room()
  }

  add(chunk: LogChunk): void {
    const cost = costOf(chunk)
    this.#printed += cost
    if (!this.#isCutting && this.#printed > this.#headBytes) this.#isCutting = true
    if (!this.#isCutting) {
      this.#events.append({ type: 'log', chunk })
      return
    }
    this.#tail.push(chunk)
    this.#tailBytes += cost
    this.#dropOldest()
    if (this.#isFlooded || this.#printed <= FLOOD_TIMES * this.#limit.maxBytes) return
    this.#isFlooded = true
    this.#limit.onFlood()
  }

  /** The job is over: appends what was held back, as fast as the spool accepts it. */
  async release(): Promise<void> {
    const chunks = this.#tail
    this.#tail = []
    const [first] = chunks
    if (first && this.#lost.lines > 0) {
      this.#say(first.step, leftOutInWords(this.#lost, this.#limit.maxBytes))
    }
    for (const chunk of chunks) {
      await this.#events.room()
      this.#events.append({ type: 'log', chunk })
    }
  }

  #say(step: number, text: string): void {
    const chunk = chunkOf(step, [{ at: Date.now(), stream: 'narwhal', text }])
    this.#events.append({ type: 'log', chunk })
  }

  /** Keeps whole chunks that together have the promised size or slightly more. */
  #dropOldest(): void {
    for (let [oldest] = this.#tail; oldest; [oldest] = this.#tail) {
      const isEnough = this.#tailBytes - costOf(oldest) >= LOG_TAIL_BYTES
      if (!isEnough && this.#tail.length <= MOST_TAIL_CHUNKS) return
      if (this.#lost.lines === 0) this.#say(oldest.step, cutInWords(this.#limit.maxBytes))
      this.#tail.shift()
      this.#tailBytes -= costOf(oldest)
      this.#lost.lines += oldest.lineCount
      this.#lost.bytes += oldest.size
    }
  }
}
