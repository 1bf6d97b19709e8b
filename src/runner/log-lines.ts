import type { SentLine } from '../contract/rpc.ts'
import type { OutputStream } from './executor/executor.ts'

/** Longer lines are cut, with a mark where they were, so that no reader meets an endless one. */
const LONGEST_LINE = 64 * 1024
const CUT_MARK = ' …'
/** Lines go out together: at once after silence, then at most so often, or so many characters. */
const BATCH_MS = 20
const BATCH_SIZE = 64 * 1024
/** What a line counts besides its characters, so that there are not too many empty ones either. */
const LINE_SIZE = 16
/** The beginning of a line is shown when so long nothing follows; what follows is another line. */
const SILENCE_MS = 500

type Decoder = InstanceType<typeof TextDecoder>

/** What was written behind the last line end. */
interface Rest {
  readonly decoder: Decoder
  text: string
}

/**
 * Makes lines of the bytes that a step writes, and batches of the lines. `\n` and `\r\n` end a line, a
 * lone `\r` stays in it. Characters that are cut by the end of a chunk are put together; bytes that
 * are no UTF-8 become U+FFFD, and NUL, which databases refuse in text, becomes U+2400.
 */
export class LogLines {
  readonly #emit: (lines: readonly SentLine[]) => void
  readonly #rests: Record<OutputStream, Rest> = { stdout: newRest(), stderr: newRest() }
  #batch: SentLine[] = []
  #batchSize = 0
  #sentAt = 0
  #batchTimer: NodeJS.Timeout | undefined
  #silenceTimer: NodeJS.Timeout | undefined

  /** `emit` gets each batch, in order; it must not throw. */
  constructor(emit: (lines: readonly SentLine[]) => void) {
    this.#emit = emit
  }

  write(stream: OutputStream, chunk: Uint8Array): void {
    const rest = this.#rests[stream]
    const text = decode(rest.decoder, chunk)
    let start = 0
    // Only what is new is searched: a step may write a long line byte by byte.
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      const line = rest.text + text.slice(start, end)
      rest.text = ''
      start = end + 1
      this.#add(stream, line.endsWith('\r') ? line.slice(0, -1) : line)
    }
    rest.text += text.slice(start)
    while (rest.text.length > LONGEST_LINE) {
      const head = headOf(rest.text)
      rest.text = rest.text.slice(head.length)
      this.#push(stream, head + CUT_MARK)
    }
    this.#schedule()
  }

  /** Narwhal's own words, behind all that was written before. */
  say(text: string): void {
    this.#flushRests()
    for (const line of text.split('\n')) this.#add('narwhal', line)
    this.#send()
  }

  /** Gives out what is left; nothing may be written afterwards. */
  end(): void {
    clearTimeout(this.#silenceTimer)
    for (const rest of Object.values(this.#rests)) rest.text += rest.decoder.decode()
    this.#flushRests()
    this.#send()
  }

  #add(stream: SentLine['stream'], text: string): void {
    let left = text
    while (left.length > LONGEST_LINE) {
      const head = headOf(left)
      this.#push(stream, head + CUT_MARK)
      left = left.slice(head.length)
    }
    this.#push(stream, left)
  }

  #push(stream: SentLine['stream'], text: string): void {
    this.#batch.push({ at: Date.now(), stream, text })
    this.#batchSize += text.length + LINE_SIZE
    if (this.#batchSize >= BATCH_SIZE) this.#send()
  }

  #schedule(): void {
    if (this.#batch.length > 0 && !this.#batchTimer) {
      const due = this.#sentAt + BATCH_MS - performance.now()
      if (due <= 0) this.#send()
      else this.#batchTimer = setTimeout(() => this.#send(), due)
    }
    if (this.#rests.stdout.text === '' && this.#rests.stderr.text === '') return
    if (this.#silenceTimer) {
      this.#silenceTimer.refresh()
    } else {
      this.#silenceTimer = setTimeout(() => {
        this.#flushRests()
        this.#send()
      }, SILENCE_MS)
    }
  }

  #flushRests(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const { text } = this.#rests[stream]
      this.#rests[stream].text = ''
      if (text !== '') this.#add(stream, text)
    }
  }

  #send(): void {
    clearTimeout(this.#batchTimer)
    this.#batchTimer = undefined
    if (this.#batch.length === 0) return
    const batch = this.#batch
    this.#batch = []
    this.#batchSize = 0
    this.#sentAt = performance.now()
    this.#emit(batch)
  }
}

function newRest(): Rest {
  return { decoder: new TextDecoder('utf-8', { ignoreBOM: true }), text: '' }
}

function decode(decoder: Decoder, chunk: Uint8Array): string {
  const text = decoder.decode(chunk, { stream: true })
  return text.includes('\0') ? text.replaceAll('\0', '\u2400') : text
}

/** The longest beginning that may be one line; it does not end within a surrogate pair. */
function headOf(text: string): string {
  const last = text.charCodeAt(LONGEST_LINE - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? LONGEST_LINE - 1 : LONGEST_LINE)
}
