/** How much room text takes in a terminal, which gives East Asian characters and emoji two cells. */

const SGR = /\x1b\[[0-9;:]*m/y // oxlint-disable-line no-control-regex
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1faff}\u{20000}-\u{3fffd}]$|^\p{Emoji_Presentation}$/u

/** The cells that a text takes; colours take none. */
export function textWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length
  let width = 0
  for (const part of parts(text)) width += part.width
  return width
}

/** The text with blanks behind it up to `width` cells. */
export function padText(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)))
}

/** The text's beginning that fits in `width` cells, with `mark` as its last where something is lost. */
export function cutText(text: string, width: number, mark = '…'): string {
  if (textWidth(text) <= width) return text
  let room = Math.max(0, width - textWidth(mark))
  let kept = ''
  let coloured = false
  for (const part of parts(text)) {
    if (part.width > room) break
    room -= part.width
    kept += part.text
    coloured ||= part.colour
  }
  return `${kept}${width >= textWidth(mark) ? mark : ''}${coloured ? '\x1b[0m' : ''}`
}

function* parts(text: string): Generator<{ text: string; width: number; colour: boolean }> {
  for (let at = 0; at < text.length; ) {
    SGR.lastIndex = at
    const colour = SGR.exec(text)?.[0]
    const part = colour ?? String.fromCodePoint(text.codePointAt(at) ?? 0)
    yield { text: part, width: colour ? 0 : cells(part), colour: colour !== undefined }
    at += part.length
  }
}

function cells(character: string): number {
  if (NO_WIDTH.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}
