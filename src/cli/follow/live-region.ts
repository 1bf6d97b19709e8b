import type { CliIo } from '../terminal/cli-io.ts'
import { textWidth } from '../terminal/text-width.ts'

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const CLEAR_LINE_END = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'

/**
 * The last lines of a terminal, rewritten in place: each update is one write that moves up, overwrites
 * the lines and clears the rest, so that nothing flickers. Lines above it are written once and scroll
 * away as usual. The cursor is hidden from the first update until disposal or the process's exit.
 */
export class LiveRegion implements Disposable {
  readonly #io: CliIo
  #shown: readonly string[] = []
  #begun: Disposable | undefined

  constructor(io: CliIo) {
    this.#io = io
  }

  /** Writes `above` permanently over the region, and redraws the region below. */
  update(above: readonly string[], region: readonly string[]): void {
    const same =
      above.length === 0 &&
      region.length === this.#shown.length &&
      region.every((line, index) => line === this.#shown[index])
    if (same) return
    const lines = [...above, ...region].map((line) => `${line}${CLEAR_LINE_END}\n`)
    this.#io.stdout.write(`${this.#hide()}${this.#up()}${lines.join('')}${CLEAR_BELOW}`)
    this.#shown = region
  }

  [Symbol.dispose](): void {
    if (!this.#begun) return
    this.#io.stdout.write(`${this.#up()}${CLEAR_BELOW}${SHOW_CURSOR}`)
    this.#shown = []
    this.#begun[Symbol.dispose]()
    this.#begun = undefined
  }

  #hide(): string {
    if (this.#begun) return ''
    this.#begun = this.#io.onExit(() => this.#io.stdout.write(SHOW_CURSOR))
    return HIDE_CURSOR
  }

  /** A terminal that became narrower has wrapped the lines: they take more rows now. */
  #up(): string {
    const { columns } = this.#io.stdout
    const rows = this.#shown.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(textWidth(line) / Math.max(1, columns))),
      0,
    )
    return rows === 0 ? '' : `\r\x1b[${rows}A`
  }
}
