import stringWidth from 'string-width'

/**
 * The width of text in terminal cells; East Asian characters and emoji take two. Import this lazily: its
 * dependency takes as long to load as the rest of a short command.
 */

const SGR = /(\x1b\[[0-9;:]*m)/ // oxlint-disable-line no-control-regex
const characters = new Intl.Segmenter()

/** The cells that a text takes, colours excluded. */
export function textWidth(text: string): number {
  return stringWidth(text)
}

/** The text padded with spaces to `width` cells. */
export function padText(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)))
}

/** The text truncated to `width` cells, ending in `mark` if anything was cut. */
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

/** Colour sequences and grapheme clusters, such as a letter with its accents or a family emoji. */
function* parts(text: string): Generator<{ part: string; isColour: boolean }> {
  // Splitting by a capturing group makes every second piece a colour.
  for (const [index, piece] of text.split(SGR).entries()) {
    if (index % 2 === 1) yield { part: piece, isColour: true }
    else
      for (const { segment } of characters.segment(piece)) yield { part: segment, isColour: false }
  }
}
