import { FILTER_FACTOR, FILTER_SHIFT, LEAP_SHIFT, type PatternSet } from './pattern-set.ts'

const LINE_FEED = 10
const CARRIAGE_RETURN = 13
/** CR followed by LF. */
const LINE_END = CARRIAGE_RETURN + LINE_FEED
/** How many bytes around the end of a leap are checked one by one. */
const LEAST_LEAP = 7
/** Below this depth, the state is only the last bytes themselves. */
const ENTRY_DEPTH = 4

/** A range of a stream, in bytes from its start. */
export interface Stretch {
  readonly start: number
  readonly end: number
}

/**
 * The search for patterns in one stream, which arrives in pieces of any size. Where nothing matches the
 * first four bytes of a pattern, which is nearly everywhere, a byte costs one lookup in a small table,
 * otherwise one or two steps of the automaton. With `wraps`, a line end between two bytes of a pattern
 * is ignored.
 */
export class PatternScan {
  readonly #patterns: PatternSet
  readonly #wraps: boolean
  /** The node of the automaton; 0: fewer than four bytes of any pattern. */
  #node = 0
  /** The last four bytes that count. */
  #word = 0
  /** Bytes of the stream so far, and those of them that were skipped. */
  #seen: number
  #skipped = 0
  /** For each skipped byte that may matter, the number of counted bytes before it; ascending. */
  #gaps: number[] = []
  #gapsBefore = 0
  /** Up to here each byte of the current piece must be checked. */
  #slowUntil = 0
  /** The line end at the end of the stream: none, LF, CR, or CR and LF. */
  #lineEnd = 0

  /** `start`: the offset in the stream of the first byte to be scanned. */
  constructor(patterns: PatternSet, wraps: boolean, start = 0) {
    this.#patterns = patterns
    this.#wraps = wraps
    this.#seen = start
  }

  /** Searches the next bytes; returns the ranges of matches, merged, in order. */
  scan(bytes: Uint8Array): Stretch[] {
    const found: Stretch[] = []
    const words = this.#patterns.leaps && wordsOf(bytes)
    this.#slowUntil = LEAST_LEAP
    for (let at = 0; at < bytes.length; at++) {
      if (this.#node === 0) {
        if (!words) at = this.#wraps ? this.#passLines(bytes, at) : this.#pass(bytes, at)
        else if (at >= this.#slowUntil) at = this.#leap(bytes, words, at)
      }
      if (at === bytes.length) break
      const byte = bytes[at] ?? 0
      if (this.#wraps && isLineEnd(byte)) {
        this.#skip(this.#seen + at, byte)
        continue
      }
      this.#lineEnd = 0
      this.#word = (this.#word << 8) | byte
      this.#step(byte)
      const length = this.#node === 0 ? 0 : (this.#patterns.found[this.#node] ?? 0)
      if (length > 0) this.#match(found, this.#seen + at + 1, length)
    }
    this.#seen += bytes.length
    return found
  }

  /**
   * Skips ahead four bytes at a time, by machine words, to where each byte must be checked: slightly
   * before what may belong to a pattern, or to a line end that is ignored.
   */
  #leap(bytes: Uint8Array, words: Words, at: number): number {
    const { leaps } = this.#patterns
    if (!leaps) return at
    const { first, values } = words
    const last = values.length - 2
    let index = Math.max(0, Math.ceil((at - 3 - first) / 4))
    for (; index < last; index++) {
      const word = values[index]!
      if (leaps[Math.imul(word, FILTER_FACTOR) >>> LEAP_SHIFT] !== 0) break
      if (this.#wraps && hasLineEnd(word)) break
    }
    const place = first + 4 * index
    this.#slowUntil = index < last ? place + 4 + LEAST_LEAP : bytes.length
    const next = place - LEAST_LEAP
    if (next < at + LEAST_LEAP) return at
    this.#lineEnd = 0
    for (let back = 4; back > 0; back--) this.#word = (this.#word << 8) | bytes[next - back]!
    return next
  }

  /** Skips ahead to the byte that may complete the first four of a pattern. */
  #pass(bytes: Uint8Array, from: number): number {
    const { filter } = this.#patterns
    let word = this.#word
    for (let at = from; at < bytes.length; at++) {
      const next = (word << 8) | bytes[at]!
      if (filter[Math.imul(next, FILTER_FACTOR) >>> FILTER_SHIFT] !== 0) {
        this.#word = word
        return at
      }
      word = next
    }
    this.#word = word
    return bytes.length
  }

  /** The same, ignoring line ends. */
  #passLines(bytes: Uint8Array, from: number): number {
    const { filter } = this.#patterns
    let word = this.#word
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]!
      if (byte < 14 && isLineEnd(byte)) {
        this.#word = word
        this.#skip(this.#seen + at, byte)
        word = this.#word
        continue
      }
      const next = (word << 8) | byte
      if (filter[Math.imul(next, FILTER_FACTOR) >>> FILTER_SHIFT] !== 0) {
        this.#word = word
        return at
      }
      word = next
      this.#lineEnd = 0
    }
    this.#word = word
    return bytes.length
  }

  /** Where a possible match begins; the end of the stream if there is none. */
  get pending(): number {
    const depth =
      this.#node === 0
        ? this.#patterns.beginningAtEnd(this.#word)
        : this.#patterns.depth[this.#node]
    return this.#startOf(this.#seen - this.#skipped - (depth ?? 0), this.#seen)
  }

  /** The beginning of a pattern, at least four bytes, at the end of the stream. */
  get unfinished(): Stretch | undefined {
    if (this.#node === 0) return undefined
    const skipped = this.#lineEnd === 0 ? 0 : this.#lineEnd === LINE_END ? 2 : 1
    return { start: this.pending, end: this.#seen - skipped }
  }

  /** Drops gaps before this offset, which are no longer needed. */
  forget(before: number): void {
    let count = 0
    while (
      count < this.#gaps.length &&
      (this.#gaps[count] ?? 0) + this.#gapsBefore + count < before
    ) {
      count++
    }
    if (count === 0) return
    this.#gaps.splice(0, count)
    this.#gapsBefore += count
  }

  /** What follows is not a continuation. */
  reset(): void {
    this.#node = 0
    this.#word = 0
  }

  /** Skips a byte of a line end. */
  #skip(place: number, byte: number): void {
    this.#gaps.push(place - this.#skipped)
    this.#skipped++
    const isFirst = this.#lineEnd === 0
    const isWhole = this.#lineEnd === CARRIAGE_RETURN && byte === LINE_FEED
    this.#lineEnd = isFirst ? byte : LINE_END
    // No tool wraps an encoding by more than one line end.
    if (!isFirst && !isWhole) this.reset()
  }

  #step(byte: number): void {
    const { depth, fallback } = this.#patterns
    let node = this.#node
    while (node !== 0) {
      const next = this.#patterns.next(node, byte)
      if (next !== -1) {
        this.#node = next
        return
      }
      node = fallback[node] ?? 0
      if ((depth[node] ?? 0) < ENTRY_DEPTH) node = 0
    }
    this.#node = this.#patterns.entry(this.#word)
  }

  /** Adds the match that ends here, merged with those that it touches; it may begin before them. */
  #match(found: Stretch[], end: number, length: number): void {
    let start = this.#startOf(end - this.#skipped - length, end)
    for (let last = found.at(-1); last && last.end >= start; last = found.at(-1)) {
      start = Math.min(start, last.start)
      found.pop()
    }
    found.push({ start, end })
  }

  /** The offset in the stream of a byte by the number of counted bytes before it. */
  #startOf(counted: number, limit: number): number {
    let low = 0
    let high = this.#gaps.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#gaps[middle] ?? 0) <= counted) low = middle + 1
      else high = middle
    }
    return Math.min(limit, counted + this.#gapsBefore + low)
  }
}

function isLineEnd(byte: number): boolean {
  return byte === LINE_FEED || byte === CARRIAGE_RETURN
}

/** The bytes as aligned words. */
interface Words {
  /** The offset of the first word. */
  readonly first: number
  readonly values: Uint32Array
}

function wordsOf(bytes: Uint8Array): Words | undefined {
  const first = (4 - (bytes.byteOffset % 4)) % 4
  if (bytes.length < 8 * LEAST_LEAP) return undefined
  const values = new Uint32Array(
    bytes.buffer,
    bytes.byteOffset + first,
    (bytes.length - first) >> 2,
  )
  return { first, values }
}

/** Whether one of the four bytes is LF or CR: then one of the differences has a zero byte. */
function hasLineEnd(word: number): boolean {
  const feed = word ^ 0x0a0a0a0a
  const carriage = word ^ 0x0d0d0d0d
  return (((feed - 0x01010101) & ~feed) | ((carriage - 0x01010101) & ~carriage)) & 0x80808080
    ? true
    : false
}
