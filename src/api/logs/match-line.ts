import type { LogMatch } from '../../contract/rest/rest-logs.ts'
import type { LogLine } from '../../contract/rest/views.ts'

/** Characters of an excerpt, and of those before the first match. */
const EXCERPT = 300
const BEFORE = 60
/** Marked matches in one line. */
const MAX_RANGES = 50

/** Finds a text in lines. */
export interface Finder {
  /** The text to search for: case-folded, unless case matters. */
  readonly text: string
  /** Case-folds a line; keeps its length, so that offsets stay valid. */
  readonly fold: (line: string) => string
  readonly matchCase: boolean
}

export function finderOf(query: { readonly text: string; readonly matchCase: boolean }): Finder {
  const fold = query.matchCase ? (text: string) => text : lowerCase
  return { text: fold(query.text), fold, matchCase: query.matchCase }
}

/** Lower case, except for the few letters whose length would change. */
function lowerCase(text: string): string {
  const lower = text.toLowerCase()
  if (lower.length === text.length) return lower
  return Array.from(text, (char) => {
    const one = char.toLowerCase()
    return one.length === char.length ? one : char
  }).join('')
}

/** The match in a line; undefined if there is none. */
export function matchIn(line: LogLine, { text, fold }: Finder): LogMatch | undefined {
  const folded = fold(line.text)
  const first = folded.indexOf(text)
  if (first < 0) return undefined
  const start = inFrontOfPair(line.text, Math.max(0, first - BEFORE))
  const end = inFrontOfPair(line.text, Math.max(start + EXCERPT, first + text.length))
  const ranges: [number, number][] = []
  for (let at = first; at >= 0 && ranges.length < MAX_RANGES; ) {
    if (at + text.length > end) break
    ranges.push([at - start, at - start + text.length])
    at = folded.indexOf(text, at + text.length)
  }
  const { text: whole, ...rest } = line
  return { ...rest, excerpt: whole.slice(start, end), offset: start, ranges }
}

/** The offset itself, or the one before if it would split a surrogate pair. */
function inFrontOfPair(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return at > 0 && code >= 0xdc00 && code <= 0xdfff ? at - 1 : at
}
