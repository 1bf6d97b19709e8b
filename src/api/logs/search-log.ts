import type { z } from 'zod'
import type { LogMatch, LogSearch, logSearchQuery } from '../../contract/rest/rest-logs.ts'
import type { AttemptRef } from '../../core/ids.ts'
import { present } from '../../lib/present.ts'
import type { Reads } from '../../store/store.ts'
import { readContents } from './log-contents.ts'
import { finderOf } from './match-line.ts'
import { searchChunk } from './search-chunk.ts'

/**
 * Searches a log up to its current end and returns one page of matching lines. Holds a part of the log at
 * a time, and rejects with the signal's reason on abort.
 */
export async function searchLog(
  store: Reads<'logs'>,
  log: AttemptRef,
  query: z.infer<typeof logSearchQuery>,
  signal: AbortSignal,
): Promise<Omit<LogSearch, 'complete'>> {
  const finder = finderOf(query)
  const matches: LogMatch[] = []
  let total = 0
  let lines = 0
  let next: number | undefined
  for await (const { chunk, content } of readContents(store, log)) {
    signal.throwIfAborted()
    // Matches after the page are only counted.
    const from = next === undefined ? query.from : Infinity
    const page = { from, room: query.limit - matches.length }
    const found = searchChunk(chunk, content, finder, page)
    matches.push(...found.matches)
    total += found.total
    next ??= found.next
    lines = chunk.firstLine + chunk.lineCount
  }
  return { matches, total, ...present({ next }), lines }
}
