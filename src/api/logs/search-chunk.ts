import { isAscii } from 'node:buffer'
import type { LogContent } from '../../contract/log/log-content.ts'
import type { LogMatch } from '../../contract/rest/rest-logs.ts'
import type { LogLine } from '../../contract/rest/views.ts'
import { present } from '../../lib/present.ts'
import type { StoredChunk } from '../../store/ports/logs.ts'
import { type Finder, matchIn } from './match-line.ts'

/** Which matches are returned; all of them are counted. */
export interface Page {
  /** The first line. */
  readonly from: number
  /** The number of further matches. */
  readonly room: number
}

export interface ChunkMatches {
  /** The number of matching lines. */
  readonly total: number
  readonly matches: readonly LogMatch[]
  /** The first matching line that did not fit. */
  readonly next?: number
}

/** Searches the text of a chunk as a whole; only returned lines are processed one by one. */
export function searchChunk(
  chunk: StoredChunk,
  { runs, text }: LogContent,
  finder: Finder,
  page: Page,
): ChunkMatches {
  const { haystack, sliceLine } = haystackOf(text, finder)
  const matches: LogMatch[] = []
  let total = 0
  let next: number | undefined
  let index = 0
  let counted = 0
  for (let at = haystack.indexOf(finder.text); at >= 0; ) {
    const start = at === 0 ? 0 : haystack.lastIndexOf('\n', at - 1) + 1
    const end = haystack.indexOf('\n', at)
    total++
    if (next === undefined && chunk.firstLine + chunk.lineCount > page.from) {
      for (; counted < start; counted = haystack.indexOf('\n', counted) + 1) index++
      const number = chunk.firstLine + index
      if (number >= page.from && matches.length >= page.room) next = number
      else if (number >= page.from) {
        const line = { number, step: chunk.step, ...placeOf(runs, index, chunk) }
        const match = matchIn({ ...line, text: sliceLine(start, end) }, finder)
        if (match) matches.push(match)
      }
    }
    if (end < 0) break
    at = haystack.indexOf(finder.text, end + 1)
  }
  return { total, matches, ...present({ next }) }
}

interface Haystack {
  /** Bytes if case matters, else a case-folded string. */
  readonly haystack: Buffer | string
  readonly sliceLine: (start: number, end: number) => string
}

function haystackOf(text: Buffer, { fold, matchCase }: Finder): Haystack {
  if (matchCase) {
    return { haystack: text, sliceLine: (start, end) => text.toString('utf8', start, end) }
  }
  // A one-byte string is created several times as fast.
  const whole = text.toString(isAscii(text) ? 'latin1' : 'utf8')
  return { haystack: fold(whole), sliceLine: (start, end) => whole.slice(start, end) }
}

function placeOf(
  runs: LogContent['runs'],
  index: number,
  { clockOffsetMs }: StoredChunk,
): Pick<LogLine, 'at' | 'stream'> {
  let left = index
  for (const { count, at, stream } of runs) {
    if (left < count) return { at: at + clockOffsetMs, stream }
    left -= count
  }
  return { at: 0, stream: 'narwhal' }
}
