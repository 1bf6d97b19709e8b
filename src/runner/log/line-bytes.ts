import { isUtf8 } from 'node:buffer'

/** Functions on the bytes that steps write, which avoid strings where possible. */

const LINE_END = 10
const LINE_ENDS = 0x0a0a0a0a
const CARRIAGE_RETURN = 13

/** Counts the line ends, and finds the length of the longest line that ends. */
export function measureLines(bytes: Uint8Array): LineMeasure {
  const measure = { count: 0, longest: 0, start: 0 }
  // Four bytes at a time, from the first aligned one.
  const aligned = Math.min(bytes.length, (4 - (bytes.byteOffset % 4)) % 4)
  measureBytes(bytes, 0, aligned, measure)
  if (aligned === bytes.length) return measure
  const words = new Uint32Array(
    bytes.buffer,
    bytes.byteOffset + aligned,
    (bytes.length - aligned) >> 2,
  )
  for (let index = 0; index < words.length; index++) {
    // A line end becomes a zero byte, and the test below is the usual one for zero bytes in a word.
    const word = (words[index] ?? 0) ^ LINE_ENDS
    if (((word - 0x01010101) & ~word & 0x80808080) === 0) continue
    const at = aligned + 4 * index
    measureBytes(bytes, at, at + 4, measure)
  }
  measureBytes(bytes, aligned + 4 * words.length, bytes.length, measure)
  return measure
}

export interface LineMeasure {
  readonly count: number
  readonly longest: number
}

function measureBytes(
  bytes: Uint8Array,
  from: number,
  to: number,
  measure: { count: number; longest: number; start: number },
): void {
  for (let at = from; at < to; at++) {
    if (bytes[at] !== LINE_END) continue
    measure.count++
    if (at - measure.start > measure.longest) measure.longest = at - measure.start
    measure.start = at + 1
  }
}

/** The end of a line near the middle, after its `\n`; undefined if there is only one line. */
export function middleOf(bytes: Buffer): number | undefined {
  const middle = bytes.length >> 1
  const before = bytes.lastIndexOf(LINE_END, middle) + 1
  if (before > 0) return before < bytes.length ? before : undefined
  const behind = bytes.indexOf(LINE_END, middle) + 1
  return behind < bytes.length ? behind : undefined
}

/**
 * Whole lines as they are stored and sent: `\r\n` becomes `\n`, invalid UTF-8 becomes U+FFFD, and
 * NUL, which is invisible, becomes U+2400.
 */
export function toLogText(bytes: Buffer): Buffer {
  let text = bytes
  // Searching for one byte is many times faster than for two.
  if (text.includes(CARRIAGE_RETURN) && text.includes('\r\n'))
    text = Buffer.from(text.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
  if (!isUtf8(text)) text = Buffer.from(text.toString())
  if (text.includes(0)) text = Buffer.from(text.toString().replaceAll('\0', '\u2400'))
  return text
}

/** How many of the bytes are complete characters; the last one may be incomplete. */
export function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1
    return length > back && byte < 0xf8 ? bytes.length - back : bytes.length
  }
  return bytes.length
}
