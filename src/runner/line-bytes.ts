import { isUtf8 } from 'node:buffer'

/** Bytes as steps write them, looked at without making strings of them where that can be helped. */

const LINE_END = 10
const CARRIAGE_RETURN = 13

/** Counts the line ends, and finds the length of the longest line before one. */
export function measureLines(bytes: Uint8Array): { count: number; longest: number } {
  let count = 0
  let longest = 0
  let start = 0
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== LINE_END) continue
    count++
    if (at - start > longest) longest = at - start
    start = at + 1
  }
  return { count, longest }
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
