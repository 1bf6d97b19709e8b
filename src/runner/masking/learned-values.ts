import { isUtf8 } from 'node:buffer'
import type { MaskFileView } from '../executor/executor.ts'
import { SHORTEST_FORM } from './secret-forms.ts'

/** More would slow the runner down whenever one is added. */
const MOST_VALUES = 100
const MOST_VALUE_BYTES = 16 * 1024
/** Larger, since known values may be added again. */
const MOST_FILE_BYTES = 256 * 1024
/** Notes on further lines are dropped. */
const MOST_NOTES = 20
const LINE_FEED = 10

/**
 * The values in a file to which a job adds, one per line, what its logs must not show. Reading is
 * synchronous, and an unchanged file costs a microsecond: it is checked before each piece of output, so
 * that a value which was added before it was printed is known by then.
 */
export class LearnedValues implements Disposable {
  readonly #file: MaskFileView
  readonly #values = new Set<string>()
  readonly #noted = new Set<string>()
  #notes: string[] = []
  #bytes = 0

  /** Takes ownership of the view. */
  constructor(file: MaskFileView) {
    this.#file = file
  }

  /** Reads the file if it has changed, and returns the new values. */
  refresh(): readonly string[] {
    const seen = this.#file.look(MOST_FILE_BYTES)
    if (!seen) return []
    const { buffer, byteOffset, byteLength } = seen.bytes
    const before = this.#values.size
    this.#read(Buffer.from(buffer, byteOffset, byteLength), seen.size)
    return [...this.#values].slice(before)
  }

  /** Notes on lines that are not masked, without the lines, each once. */
  takeNotes(): readonly string[] {
    if (this.#notes.length === 0) return []
    const notes = this.#notes
    this.#notes = []
    return notes
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]()
  }

  #read(bytes: Buffer, size: number): void {
    for (let start = 0, line = 1; start < bytes.length; line++) {
      const feed = bytes.indexOf(LINE_FEED, start)
      const end = feed === -1 ? bytes.length : feed
      // An unfinished line counts as it is: the rest may never come.
      this.#take(bytes.subarray(start, end), line)
      start = end + 1
    }
    if (size > MOST_FILE_BYTES) this.#note(`what is behind ${MOST_FILE_BYTES / 1024} KiB`)
  }

  #take(bytes: Buffer, line: number): void {
    const value = bytes.toString().trim()
    if (value === '' || this.#values.has(value)) return
    const where = `line ${line}`
    if (value.length < SHORTEST_FORM) {
      return this.#note(`${where}, with fewer than ${SHORTEST_FORM} characters,`)
    }
    if (!isUtf8(bytes) || bytes.includes(0)) return this.#note(`${where}, which is no text,`)
    const all = this.#bytes + bytes.length
    if (this.#values.size === MOST_VALUES || all > MOST_VALUE_BYTES) {
      const most = `${MOST_VALUES} values or ${MOST_VALUE_BYTES / 1024} KiB`
      return this.#note(`${where}, since there are more than ${most},`)
    }
    this.#values.add(value)
    this.#bytes = all
  }

  #note(what: string): void {
    if (this.#noted.has(what) || this.#noted.size === MOST_NOTES) return
    this.#noted.add(what)
    this.#notes.push(`${what} of the file of NARWHAL_MASK is not masked`)
  }
}
