import type { LooseLines } from '../../contract/log/log-chunk.ts'
import type { LogLine } from '../../contract/rest/views.ts'
import type { OutputStream } from '../executor/executor.ts'
import { ChunkBuilder } from './chunk-builder.ts'
import { measureLines, middleOf, toLogText } from './line-bytes.ts'
import { LONGEST_LINE, UnfinishedLine } from './unfinished-line.ts'

const CUT_MARK = Buffer.from(' …\n')
const LINE_END = Buffer.from('\n')
/** Lines are sent in batches: at once after silence, then at most this often, or when a chunk is full. */
const FLUSH_MS = 20
/** Limits of what is measured and converted in one go. */
const MOST_LINES_AT_ONCE = 5_000
const MOST_BYTES_AT_ONCE = 128 * 1024
/** An unfinished line is sent after this much silence; what follows becomes another line. */
const SILENCE_MS = 500

/**
 * Turns the bytes that a step writes into lines, in batches of one chunk each. `\n` and `\r\n` end a
 * line, a lone `\r` stays in it. Characters split across writes are joined. Avoids work per line
 * wherever possible: much of what steps print is never read.
 */
export class LogLines {
  readonly #emit: (lines: LooseLines) => void
  readonly #builder: ChunkBuilder
  readonly #silenceMs: number
  readonly #rests: Record<OutputStream, UnfinishedLine> = {
    stdout: new UnfinishedLine(),
    stderr: new UnfinishedLine(),
  }
  #sentAt = 0
  #flushTimer: NodeJS.Timeout | undefined
  #silenceTimer: NodeJS.Timeout | undefined
  #writes = 0
  #isHeld = false
  #isEnded = false

  /** `emit` receives each batch, in order; it must not throw. */
  constructor(step: number, emit: (lines: LooseLines) => void, silenceMs = SILENCE_MS) {
    this.#builder = new ChunkBuilder(step)
    this.#emit = emit
    this.#silenceMs = silenceMs
  }

  write(stream: OutputStream, bytes: Uint8Array): void {
    this.#writes++
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const rest = this.#rests[stream]
    let start = 0
    if (!rest.isEmpty) {
      start = chunk.indexOf(LINE_END) + 1
      const onCut = (piece: Buffer) => this.#addCut(stream, piece)
      // Without a line end all of it belongs to the unfinished line.
      rest.add(start > 0 ? chunk.subarray(0, start - 1) : chunk, onCut)
      if (start > 0) this.#addLines(stream, Buffer.concat([rest.take(), LINE_END]))
      else start = chunk.length
    }
    const end = chunk.lastIndexOf(LINE_END) + 1
    if (end > start) this.#addLines(stream, chunk.subarray(start, end))
    const tail = chunk.subarray(Math.max(start, end))
    if (tail.length > 0) rest.add(tail, (piece) => this.#addCut(stream, piece))
    this.#schedule()
  }

  /** Whether the writer is being made to wait: its silence then means nothing. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    if (!isHeld) this.#restartSilenceTimer()
  }

  /** Adds a line of Narwhal's own, after all that was written before. */
  say(text: string): void {
    this.#flushRests((rest) => rest.take())
    const lines = Buffer.from(`${text}\n`)
    this.#addLines('narwhal', lines)
    this.#send()
  }

  /** Sends what is left; nothing may be written afterwards. */
  end(): void {
    this.#isEnded = true
    clearTimeout(this.#silenceTimer)
    this.#flushRests((rest) => rest.take())
    this.#send()
  }

  /** Adds whole lines, each with its end. */
  #addLines(stream: LogLine['stream'], bytes: Buffer): void {
    const { count, longest } = measureLines(bytes)
    const isMuch = count > MOST_LINES_AT_ONCE || bytes.length > MOST_BYTES_AT_ONCE
    const middle = isMuch || longest > LONGEST_LINE ? middleOf(bytes) : undefined
    if (middle !== undefined) {
      this.#addLines(stream, bytes.subarray(0, middle))
      this.#addLines(stream, bytes.subarray(middle))
    } else if (longest > LONGEST_LINE) {
      const line = new UnfinishedLine()
      line.add(bytes.subarray(0, -1), (piece) => this.#addCut(stream, piece))
      this.#add(stream, toLogText(Buffer.concat([line.take(), LINE_END])), 1)
    } else {
      this.#add(stream, toLogText(bytes), count)
    }
  }

  /** A piece of a line that continues. */
  #addCut(stream: LogLine['stream'], piece: Buffer): void {
    this.#add(stream, toLogText(Buffer.concat([piece, CUT_MARK])), 1)
  }

  #add(stream: LogLine['stream'], text: Buffer, count: number): void {
    this.#builder.add(stream, text, count)
    if (this.#builder.isFull) this.#send()
  }

  #schedule(): void {
    if (!this.#builder.isEmpty && !this.#flushTimer) {
      const due = this.#sentAt + FLUSH_MS - performance.now()
      if (due <= 0) this.#send()
      else this.#flushTimer = setTimeout(() => this.#send(), due)
    }
    this.#restartSilenceTimer()
  }

  /** Only while a line is unfinished. */
  #restartSilenceTimer(): void {
    if (this.#rests.stdout.isEmpty && this.#rests.stderr.isEmpty) return
    if (this.#silenceTimer) this.#silenceTimer.refresh()
    else this.#silenceTimer = setTimeout(() => this.#onSilence(), this.#silenceMs)
  }

  #onSilence(): void {
    this.#silenceTimer = undefined
    const writes = this.#writes
    // After the event loop was blocked, the timer fires before pending writes are read.
    setImmediate(() => {
      if (this.#isEnded || this.#isHeld || this.#writes !== writes) return
      this.#flushRests((rest) => rest.takeCharacters())
      this.#send()
    })
  }

  #flushRests(take: (rest: UnfinishedLine) => Buffer): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const bytes = take(this.#rests[stream])
      if (bytes.length > 0) this.#addLines(stream, Buffer.concat([bytes, LINE_END]))
    }
  }

  #send(): void {
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    if (this.#builder.isEmpty) return
    this.#sentAt = performance.now()
    this.#emit(this.#builder.take())
  }
}
