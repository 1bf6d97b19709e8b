import type { LogLine } from '../../../src/contract/views.ts'
import { type AnsiSpan, type AnsiStyle, PLAIN, parseAnsi } from './ansi.ts'

/** A line as it is shown. */
export interface ShownLine {
  readonly number: number
  readonly step: number
  readonly at: number
  readonly stream: LogLine['stream']
  readonly spans: readonly AnsiSpan[]
}

/**
 * The stretch of a log that the page holds, without a hole. It is bounded: new lines push out the
 * oldest, which can be read again.
 */
export interface LogWindow {
  readonly lines: readonly ShownLine[]
  /** The look in which the newest line ends. */
  readonly style: AnsiStyle
  readonly isWhole: boolean
}

/** Lines that a log opens with. */
export const WINDOW = 5_000
/** Lines that are held when older ones were asked for. */
export const MOST_LINES = 20_000

export const EMPTY_LOG: LogWindow = { lines: [], style: PLAIN, isWhole: false }

export type LogAction =
  | { readonly type: 'opened' }
  | { readonly type: 'appended'; readonly lines: readonly LogLine[]; readonly keep: number }
  | { readonly type: 'older'; readonly lines: readonly LogLine[] }
  | { readonly type: 'ended' }

export function reduceLog(state: LogWindow, action: LogAction): LogWindow {
  switch (action.type) {
    case 'opened':
      return EMPTY_LOG
    case 'ended':
      return { ...state, isWhole: true }
    case 'appended': {
      const last = state.lines.at(-1)?.number ?? -1
      const fresh = action.lines.filter(({ number }) => number > last)
      if (fresh.length === 0) return state
      const { lines, style } = show(fresh, state.style)
      return { ...state, style, lines: [...state.lines, ...lines].slice(-action.keep) }
    }
    case 'older': {
      const first = state.lines[0]?.number ?? 0
      const fresh = action.lines.filter(({ number }) => number < first)
      if (fresh.at(-1)?.number !== first - 1) return state
      const { lines } = show(fresh, PLAIN)
      return { ...state, lines: [...lines, ...state.lines] }
    }
  }
}

function show(
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

/** Neighbouring lines of one step, so that the page can fold them. */
export interface LogSection {
  readonly step: number
  /** In pieces that stay the same objects' worth while lines are added: cheap to show again. */
  readonly chunks: readonly (readonly ShownLine[])[]
  readonly count: number
}

/** Lines in a piece. */
export const CHUNK = 200

/** Groups lines by step, in pieces cut at fixed line numbers. */
export function groupLines(lines: readonly ShownLine[]): LogSection[] {
  const sections: { step: number; chunks: ShownLine[][]; count: number }[] = []
  for (const line of lines) {
    let section = sections.at(-1)
    if (section?.step !== line.step) {
      section = { step: line.step, chunks: [], count: 0 }
      sections.push(section)
    }
    let chunk = section.chunks.at(-1)
    if (!chunk || line.number % CHUNK === 0) {
      chunk = []
      section.chunks.push(chunk)
    }
    chunk.push(line)
    section.count++
  }
  return sections
}
