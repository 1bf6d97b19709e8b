import stringWidth from 'string-width'

/**
 * How much room text takes in a terminal, which gives East Asian characters and emoji two cells.
 * Import this late: what it needs takes as long to load as all else of a short command.
 */

const SGR = /(\x1b\[[0-9;:]*m)/ // oxlint-disable-line no-control-regex
const characters = new Intl.Segmenter()

/** The cells that a text takes; colours take none. */
export function textWidth(text: string): number {
  return stringWidth(text)
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
  for (const { part, isColour } of parts(text)) {
    room -= isColour ? 0 : textWidth(part)
    if (room < 0) break
    kept += part
    coloured ||= isColour
  }
  return `${kept}${width >= textWidth(mark) ? mark : ''}${coloured ? '\x1b[0m' : ''}`
}

/** Colours and characters as people see them, which a letter with its marks or a family is one of. */
function* parts(text: string): Generator<{ part: string; isColour: boolean }> {
  // Split by a group, every second piece is a colour.
  for (const [index, piece] of text.split(SGR).entries()) {
    if (index % 2 === 1) yield { part: piece, isColour: true }
    else
      for (const { segment } of characters.segment(piece)) yield { part: segment, isColour: false }
  }
}
