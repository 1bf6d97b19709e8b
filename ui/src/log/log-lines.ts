import type { LogSection } from '../../../src/contract/rest/rest-logs.ts'
import type { LogLine } from '../../../src/contract/rest/views.ts'
import { type AnsiStyle, PLAIN } from './ansi.ts'
import { type ShownLine, showLines } from './shown-line.ts'

/** Lines per page. */
export const PAGE = 500
/** Pages kept; beyond it the least recently used one is dropped. */
const MOST_PAGES = 60

interface Page {
  /** From the page's first line, without gaps. */
  lines: ShownLine[]
  style: AnsiStyle
}

/** The state of a log; a new object after each change. */
export interface LogState {
  /** How many lines there are, as far as known. */
  readonly total: number
  /** Which lines belong to which step, in order. */
  readonly sections: readonly LogSection[]
  /** No more lines will come. */
  readonly isComplete: boolean
  /** Incremented with every change, also of lines. */
  readonly version: number
}

export interface LogLinesDeps {
  /** Reads up to `limit` lines from a number on. */
  readonly read: (from: number, limit: number) => Promise<readonly LogLine[]>
  readonly onError: (error: unknown) => void
}

/**
 * The loaded lines of one log. Viewed lines are read in pages and cached; live ones are appended. So a log
 * of any length takes a bounded amount of memory.
 */
export class LogLines {
  readonly #deps: LogLinesDeps
  readonly #pages = new Map<number, Page>()
  readonly #reading = new Set<number>()
  readonly #watchers = new Set<() => void>()
  #state: LogState = { total: 0, sections: [], isComplete: false, version: 0 }

  constructor(deps: LogLinesDeps) {
    this.#deps = deps
  }

  get state(): LogState {
    return this.#state
  }

  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  /** Sets the initial length of the log. */
  begin(sections: readonly LogSection[], total: number): void {
    this.#change({ sections, total: Math.max(total, this.#state.total) })
  }

  end(): void {
    this.#change({ isComplete: true })
  }

  lineAt(number: number): ShownLine | undefined {
    return this.#pages.get(Math.floor(number / PAGE))?.lines[number % PAGE]
  }

  /** Reads the missing ones of the visible lines from `from` to `to`. */
  want(from: number, to: number): void {
    const last = Math.floor(Math.max(0, Math.min(to, this.#state.total) - 1) / PAGE)
    for (let at = Math.floor(from / PAGE); at <= last; at++) {
      const page = this.#pages.get(at)
      if (page) {
        this.#pages.delete(at)
        this.#pages.set(at, page)
      }
      const wanted = Math.min(PAGE, this.#state.total - at * PAGE)
      if (wanted > (page?.lines.length ?? 0)) void this.#read(at)
    }
  }

  /** Appends live lines that follow the loaded ones; others are only counted. */
  append(lines: readonly LogLine[]): void {
    const last = lines.at(-1)
    if (!last) return
    let sections = this.#state.sections
    for (const line of lines) {
      if (line.number < endOf(sections)) continue
      sections = grown(sections, line)
      this.#put(line)
    }
    const total = Math.max(this.#state.total, last.number + 1)
    this.#change({ total, sections })
  }

  #put(line: LogLine): void {
    const at = Math.floor(line.number / PAGE)
    const page = this.#pages.get(at)
    const before = page?.lines.length ?? 0
    if (line.number % PAGE !== before) return
    const style = page?.style ?? this.#pages.get(at - 1)?.style ?? PLAIN
    const shown = showLines([line], style)
    if (page) {
      page.lines.push(...shown.lines)
      page.style = shown.style
    } else {
      this.#keep(at, { lines: shown.lines, style: shown.style })
    }
  }

  async #read(at: number): Promise<void> {
    if (this.#reading.has(at)) return
    this.#reading.add(at)
    try {
      const from = at * PAGE
      const limit = Math.min(PAGE, this.#state.total - from)
      const read: LogLine[] = []
      // A page of long lines comes in several responses.
      while (read.length < limit) {
        const lines = await this.#deps.read(from + read.length, limit - read.length)
        if (lines.length === 0) break
        for (const line of lines) read.push(line)
      }
      const page = this.#pages.get(at)
      if (read.length > (page?.lines.length ?? 0)) {
        this.#keep(at, showLines(read, this.#pages.get(at - 1)?.style ?? PLAIN))
        this.#change({})
      }
    } catch (error) {
      this.#deps.onError(error)
    } finally {
      this.#reading.delete(at)
    }
  }

  #keep(at: number, page: Page): void {
    this.#pages.delete(at)
    this.#pages.set(at, page)
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= MOST_PAGES) return
      this.#pages.delete(oldest)
    }
  }

  #change(part: Partial<LogState>): void {
    this.#state = { ...this.#state, ...part, version: this.#state.version + 1 }
    for (const watcher of this.#watchers) watcher()
  }
}

function endOf(sections: readonly LogSection[]): number {
  const last = sections.at(-1)
  return last ? last.from + last.count : 0
}

/** The sections with one more line. Missed lines count to the step of the next one. */
function grown(sections: readonly LogSection[], line: LogLine): readonly LogSection[] {
  const last = sections.at(-1)
  const from = endOf(sections)
  if (last && last.step === line.step) {
    return sections.with(-1, { ...last, count: line.number + 1 - last.from })
  }
  return [...sections, { step: line.step, from, count: line.number + 1 - from }]
}
