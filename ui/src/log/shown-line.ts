import type { LogLine } from '../../../src/contract/rest/views.ts'
import { type AnsiSpan, type AnsiStyle, PLAIN, parseAnsi } from './ansi.ts'

/** A parsed line. */
export interface ShownLine extends Omit<LogLine, 'text'> {
  readonly spans: readonly AnsiSpan[]
}

/** Parses consecutive lines that start in style `before`; returns the style after the last, too. */
export function showLines(
  lines: readonly LogLine[],
  before: AnsiStyle,
): { lines: ShownLine[]; style: AnsiStyle } {
  let style = before
  const shown = lines.map(({ text, ...line }) => {
    const parsed = parseAnsi(text, line.stream === 'narwhal' ? PLAIN : style)
    if (line.stream !== 'narwhal') style = parsed.style
    return { ...line, spans: parsed.spans }
  })
  return { lines: shown, style }
}

/** The text without colours and control sequences. */
export function plainText(line: LogLine): string {
  return parseAnsi(line.text)
    .spans.map(({ text }) => text)
    .join('')
}

/** Splits spans so that each match of the text, ignoring case, is a highlighted span. */
export function markSpans(spans: readonly AnsiSpan[], text: string): readonly AnsiSpan[] {
  const whole = spans
    .map((span) => span.text)
    .join('')
    .toLowerCase()
  const wanted = text.toLowerCase()
  if (wanted === '' || !whole.includes(wanted)) return spans
  const marked: AnsiSpan[] = []
  let at = 0
  let next = whole.indexOf(wanted)
  for (const span of spans) {
    for (let rest = span.text; rest !== ''; ) {
      const isIn = next >= 0 && at >= next
      const until = next < 0 ? rest.length : isIn ? next + wanted.length - at : next - at
      const part = rest.slice(0, until)
      const className = isIn ? `${span.className} a-mark`.trim() : span.className
      marked.push({ text: part, className })
      rest = rest.slice(part.length)
      at += part.length
      if (next >= 0 && at >= next + wanted.length) next = whole.indexOf(wanted, at)
    }
  }
  return marked
}
