/**
 * Turns a line of terminal output into spans of plain text with classes. Colours and weights are kept;
 * all other control sequences are removed (OSC 8 links leave their text), and control characters become
 * visible. The text is untrusted: nothing here produces markup.
 */

/** The style at a point of the output; it carries over to the next line. */
export interface AnsiStyle {
  readonly color?: number
  readonly background?: number
  readonly bold?: true
  readonly dim?: true
  readonly italic?: true
  readonly underline?: true
  readonly strike?: true
  readonly inverse?: true
}

export interface AnsiSpan {
  readonly text: string
  /** Space-separated class names, empty for plain text. */
  readonly className: string
}

export const PLAIN: AnsiStyle = {}

/** Limits per line. */
const LONGEST_LINE = 10_000
const MOST_SPANS = 300

// ESC [ … final · ESC ] … BEL or ST (or the end of the line) · ESC P/X/^/_ … ST · ESC and one more.
const SEQUENCE =
  // oxlint-disable-next-line no-control-regex
  /(?:\x1b\[|\x9b)([0-?]*)([ -/]*)([@-~]?)|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)|\x1b[PX^_][^\x1b\x9c]*(?:\x1b\\|\x9c|$)|\x1b[ -/]*[0-~]?/g

/** Parses one line that starts in `style`; returns its spans and the style it ends in. */
export function parseAnsi(
  line: string,
  style: AnsiStyle = PLAIN,
): { spans: AnsiSpan[]; style: AnsiStyle } {
  const isCut = line.length > LONGEST_LINE
  const text = lastOverwrite(isCut ? line.slice(0, LONGEST_LINE) : line)
  const spans: AnsiSpan[] = []
  let current = style
  let end = 0
  const add = (part: string) => {
    if (part === '') return
    const className = spans.length < MOST_SPANS ? classesOf(current) : ''
    const last = spans.at(-1)
    if (last && last.className === className) {
      spans[spans.length - 1] = { text: last.text + visible(part), className }
    } else {
      spans.push({ text: visible(part), className })
    }
  }
  for (const match of text.matchAll(SEQUENCE)) {
    add(text.slice(end, match.index))
    end = match.index + match[0].length
    if (match[3] === 'm' && match[2] === '') current = applySgr(current, match[1] ?? '')
  }
  add(text.slice(end))
  if (isCut) spans.push({ text: ' … truncated, see the raw log', className: 'a-note' })
  return { spans, style: current }
}

/** Progress bars overwrite their line after each `\r`: only the final state is shown. */
function lastOverwrite(line: string): string {
  const whole = line.replace(/\r+$/, '')
  return whole.slice(whole.lastIndexOf('\r') + 1)
}

/** Control characters as pictures (U+2400…), and bidirectional controls as U+FFFD. */
function visible(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex
      .replace(/[\0-\x08\x0a-\x1f]/g, (char) => String.fromCharCode(0x2400 + char.charCodeAt(0)))
      .replace(/\x7f/g, '\u2421') // oxlint-disable-line no-control-regex
      .replace(/[\u0080-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, '\ufffd')
  )
}

const ATTRIBUTES = ['bold', 'dim', 'italic', 'underline', 'strike', 'inverse'] as const

function classesOf(style: AnsiStyle): string {
  const classes: string[] = ATTRIBUTES.filter((name) => style[name]).map((name) => `a-${name}`)
  if (style.color !== undefined) classes.push(`a-fg-${style.color}`)
  if (style.background !== undefined) classes.push(`a-bg-${style.background}`)
  return classes.join(' ')
}

function applySgr(style: AnsiStyle, parameters: string): AnsiStyle {
  const codes = parameters.split(/[;:]/).map((part) => (part === '' ? 0 : Number(part)))
  let next: AnsiStyle = style
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0
    if (code === 38 || code === 48) {
      const { color, used } = extendedColor(codes.slice(i + 1, i + 5))
      i += used
      if (color !== undefined) {
        next = code === 38 ? { ...next, color } : { ...next, background: color }
      }
    } else {
      next = applyCode(next, code)
    }
  }
  return next
}

const ON: Readonly<Record<number, AnsiStyle>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
}
const OFF: Readonly<Record<number, readonly (keyof AnsiStyle)[]>> = {
  22: ['bold', 'dim'],
  23: ['italic'],
  24: ['underline'],
  27: ['inverse'],
  29: ['strike'],
  39: ['color'],
  49: ['background'],
}

function applyCode(style: AnsiStyle, code: number): AnsiStyle {
  if (code === 0) return PLAIN
  const on = ON[code]
  if (on) return { ...style, ...on }
  const off = OFF[code]
  if (off) {
    const kept = Object.entries(style).filter(([name]) => !off.includes(name as keyof AnsiStyle))
    return Object.fromEntries(kept) as AnsiStyle
  }
  if (code >= 30 && code <= 37) return { ...style, color: code - 30 }
  if (code >= 90 && code <= 97) return { ...style, color: code - 82 }
  if (code >= 40 && code <= 47) return { ...style, background: code - 40 }
  if (code >= 100 && code <= 107) return { ...style, background: code - 92 }
  return style
}

/** `5;n` or `2;r;g;b` mapped to the nearest of the sixteen colours, which follow the theme. */
function extendedColor(codes: readonly number[]): { color?: number; used: number } {
  const [kind, a = 0, b = 0, c = 0] = codes
  if (kind === 2) return { color: nearest(a, b, c), used: 4 }
  if (kind !== 5) return { used: 0 }
  if (a < 16) return { color: a, used: 2 }
  if (a >= 232) return { color: nearest((a - 232) * 10, (a - 232) * 10, (a - 232) * 10), used: 2 }
  const cube = a - 16
  const level = (n: number) => n * 51
  const [red, green, blue] = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6]
  return { color: nearest(level(red), level(green), level(blue)), used: 2 }
}

function nearest(red: number, green: number, blue: number): number {
  const most = Math.max(red, green, blue)
  const least = Math.min(red, green, blue)
  if (most - least < 40) return most < 64 ? 0 : most < 128 ? 8 : most < 208 ? 7 : 15
  const middle = (most + least) / 2
  const hue = (red > middle ? 1 : 0) + (green > middle ? 2 : 0) + (blue > middle ? 4 : 0)
  return most > 192 ? hue + 8 : hue
}
