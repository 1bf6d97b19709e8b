import { isUtf8 } from 'node:buffer'

/** Bytes as steps write them, looked at without making strings of them where that can be helped. */

const LINE_END = 10
const LINE_ENDS = 0x0a0a0a0a
const CARRIAGE_RETURN = 13

/** Counts the line ends, and finds the length of the longest line before one. */
export function measureLines(bytes: Uint8Array): LineMeasure {
  const measure = { count: 0, longest: 0, start: 0 }
  // Four bytes at a time, from where they may be taken together.
  const aligned = Math.min(bytes.length, (4 - (bytes.byteOffset % 4)) % 4)
  measureBytes(bytes, 0, aligned, measure)
  if (aligned === bytes.length) return measure
  const words = new Uint32Array(
    bytes.buffer,
    bytes.byteOffset + aligned,
    (bytes.length - aligned) >> 2,
  )
  for (let index = 0; index < words.length; index++) {
    // A byte of it is 0 where the word has a line end; the rest says whether there is such a byte.
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

/** The end of a line near the middle, with its `\n`; undefined where there is only one line. */
export function middleOf(bytes: Buffer): number | undefined {
  const middle = bytes.length >> 1
  const before = bytes.lastIndexOf(LINE_END, middle) + 1
  if (before > 0) return before < bytes.length ? before : undefined
  const behind = bytes.indexOf(LINE_END, middle) + 1
  return behind < bytes.length ? behind : undefined
}

/**
 * What is stored and sent of whole lines: `\r\n` ends a line as `\n` does, bytes that are no UTF-8
 * become U+FFFD, and NUL, which nobody could see, becomes U+2400.
 */
export function toLogText(bytes: Buffer): Buffer {
  let text = bytes
  // The look for one byte is many times as fast as the look for two.
  if (text.includes(CARRIAGE_RETURN) && text.includes('\r\n'))
    text = Buffer.from(text.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
  if (!isUtf8(text)) text = Buffer.from(text.toString())
  if (text.includes(0)) text = Buffer.from(text.toString().replaceAll('\0', '\u2400'))
  return text
}

/** How many of the bytes are whole characters, where the last one may be still on its way. */
export function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1
    return length > back && byte < 0xf8 ? bytes.length - back : bytes.length
  }
  return bytes.length
}
