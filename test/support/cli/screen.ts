/* oxlint-disable no-control-regex -- control sequences are what this reads */

/**
 * What a terminal shows after some writes, for the few control sequences that the live view uses; throws for
 * any other, so that nothing unexpected goes to a real one. Colours are left out.
 */
export class Screen {
  readonly #columns: number
  #lines: string[] = ['']
  #row = 0
  #column = 0
  cursorHidden = false

  constructor(columns: number) {
    this.#columns = columns
  }

  write(text: string): this {
    for (const [part] of text.matchAll(/\x1b\[[0-9;?]*[A-Za-z]|[\s\S]/gu)) this.#take(part)
    return this
  }

  /** The lines up to the last one with text. */
  get lines(): string[] {
    const lines = this.#lines.map((line) => line.trimEnd())
    while (lines.at(-1) === '') lines.pop()
    return lines
  }

  #take(part: string): void {
    const up = /^\x1b\[(\d+)A$/.exec(part)
    if (up) this.#row = Math.max(0, this.#row - Number(up[1]))
    else if (part === '\r') this.#column = 0
    else if (part === '\n') this.#newLine()
    else if (part === '\x1b[K') this.#set(this.#line().slice(0, this.#column))
    else if (part === '\x1b[J') this.#clearBelow()
    else if (part === '\x1b[?25l') this.cursorHidden = true
    else if (part === '\x1b[?25h') this.cursorHidden = false
    else if (/^\x1b\[[0-9;]*m$/.test(part)) return
    else if (/^[\x00-\x1f\x7f-\x9f]/.test(part)) throw new Error(JSON.stringify(part))
    else this.#put(part)
  }

  #put(character: string): void {
    if (this.#column >= this.#columns) this.#newLine()
    const line = this.#line().padEnd(this.#column)
    this.#set(line.slice(0, this.#column) + character + line.slice(this.#column + 1))
    this.#column += 1
  }

  #clearBelow(): void {
    this.#set(this.#line().slice(0, this.#column))
    this.#lines = this.#lines.slice(0, this.#row + 1)
  }

  #newLine(): void {
    this.#row += 1
    this.#column = 0
    this.#lines[this.#row] ??= ''
  }

  #line(): string {
    return this.#lines[this.#row] ?? ''
  }

  #set(line: string): void {
    this.#lines[this.#row] = line
  }
}
