import type { z } from 'zod'
import type { LogMatch, LogSearch, logSearchQuery } from '../contract/rest-logs.ts'
import type { LogLine } from '../contract/views.ts'
import type { AttemptRef } from '../core/ids.ts'
import type { StoreReader } from '../store/store.ts'
import { FIRST_PAGE, isEndOfLog, nextPageSize } from './log-page-size.ts'
import { type Finder, finderOf, matchIn } from './match-line.ts'

/**
 * Goes through a log to its present end and tells one page of the lines that have the text. It
 * holds a part of the log at a time, and ends early, with the signal's reason, when that aborts.
 */
export async function searchLog(
  store: StoreReader,
  log: AttemptRef,
  query: z.infer<typeof logSearchQuery>,
  signal: AbortSignal,
): Promise<Omit<LogSearch, 'complete'>> {
  const found = new FoundLines(finderOf(query), query)
  for (let from = 0, limit = FIRST_PAGE; ; ) {
    signal.throwIfAborted()
    const lines = await store.readLog(log, from, limit)
    for (const line of lines) found.look(line)
    from = (lines.at(-1)?.number ?? from - 1) + 1
    if (lines.length === 0 || isEndOfLog(lines, limit)) return { ...found.result(), lines: from }
    limit = nextPageSize(lines)
  }
}

class FoundLines {
  readonly #finder: Finder
  readonly #page: { readonly from: number; readonly limit: number }
  readonly #matches: LogMatch[] = []
  #total = 0
  #next: number | undefined

  constructor(finder: Finder, page: { readonly from: number; readonly limit: number }) {
    this.#finder = finder
    this.#page = page
  }

  look(line: LogLine): void {
    const match = matchIn(line, this.#finder)
    if (!match) return
    this.#total++
    if (line.number < this.#page.from) return
    if (this.#matches.length < this.#page.limit) this.#matches.push(match)
    else this.#next ??= line.number
  }

  result(): Pick<LogSearch, 'matches' | 'total' | 'next'> {
    const next = this.#next === undefined ? {} : { next: this.#next }
    return { matches: this.#matches, total: this.#total, ...next }
  }
}
