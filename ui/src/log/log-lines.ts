import type { LogSection } from '../../../src/contract/rest/rest-logs.ts'
import type { LogLine } from '../../../src/contract/rest/views.ts'
import { type AnsiStyle, PLAIN } from './ansi.ts'
import { type ShownLine, showLines } from './shown-line.ts'

/** Lines that are read and kept together. */
export const PAGE = 500
/** Pages that are kept; past it the one that was not looked at for longest is let go. */
const MOST_PAGES = 60

interface Page {
  /** From the page's first line on, without a hole. */
  lines: ShownLine[]
  style: AnsiStyle
}

/** What was read last of a log; a new object with each change. */
export interface LogState {
  /** How many lines there are, as far as is known. */
  readonly total: number
  /** Which lines belong to which step, in order. */
  readonly sections: readonly LogSection[]
  /** No more lines will come. */
  readonly isWhole: boolean
  /** Grows with every change, also of lines. */
  readonly version: number
}

export interface LogLinesDeps {
  /** Reads lines from a number on, at most so many; it may bring fewer. */
  readonly read: (from: number, limit: number) => Promise<readonly LogLine[]>
  readonly onError: (error: unknown) => void
}

/**
 * The lines of one log, as far as they are here. Whatever is looked at is read in pages and kept for
 * a while; what comes live is put behind. A log of any length thus costs a bounded amount of memory.
 */
export class LogLines {
  readonly #deps: LogLinesDeps
  readonly #pages = new Map<number, Page>()
  readonly #reading = new Set<number>()
  readonly #watchers = new Set<() => void>()
  #state: LogState = { total: 0, sections: [], isWhole: false, version: 0 }

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

  /** What the log has at the beginning. */
  begin(sections: readonly LogSection[], total: number): void {
    this.#change({ sections, total: Math.max(total, this.#state.total) })
  }

  end(): void {
    this.#change({ isWhole: true })
  }

  lineAt(number: number): ShownLine | undefined {
    return this.#pages.get(Math.floor(number / PAGE))?.lines[number % PAGE]
  }

  /** Reads what is missing of the lines from `from` up to `to`, which are looked at. */
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

  /** Takes lines that came live: those that follow what is here, the others are only counted. */
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
      // A page of long lines comes in several answers.
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

/** The sections with one line more. Lines that were missed count to the step of the one behind them. */
function grown(sections: readonly LogSection[], line: LogLine): readonly LogSection[] {
  const last = sections.at(-1)
  const from = endOf(sections)
  if (last && last.step === line.step) {
    return sections.with(-1, { ...last, count: line.number + 1 - last.from })
  }
  return [...sections, { step: line.step, from, count: line.number + 1 - from }]
}
