import pc from 'picocolors'

/** Functions that colour text, or don't. */
export type Colours = ReturnType<typeof pc.createColors>

/** One of the process's output streams. Writes are in order and, as on POSIX, don't wait. */
export interface Terminal {
  readonly isTTY: boolean
  /** The present size in characters; 80 by 24 where there is none. */
  readonly columns: number
  readonly rows: number
  write(text: string): void
  /** Calls the listener after each change of the size; disposing the result ends that. */
  onResize(listener: () => void): Disposable
}

/** All that the client commands touch of their process; made by `processIo`, or by a test. */
export interface CliIo {
  readonly stdout: Terminal
  readonly stderr: Terminal
  /** The environment's variables: NARWHAL_SERVER, NARWHAL_TOKEN, NO_COLOR, TERM, LANG, … */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The absolute path that relative ones start from. */
  readonly cwd: string
  /** Where a Narwhal of this user on this machine keeps things, unless told. */
  readonly dataFolder: string
  /** Aborted by Ctrl-C and by termination. */
  readonly signal: AbortSignal
  /**
   * Standard input to its end; on a terminal one line, after the prompt, that is not shown. Rejects
   * with `cancelled` when the person breaks off.
   */
  readInput(prompt: string): Promise<string>
  /** Epoch milliseconds. */
  now(): number
  /** Sets the process's exit code; the process ends when nothing is left to do. */
  exit(code: number): void
  /** Calls the listener as the process's very last act, however it ends; for what must be put back. */
  onExit(listener: () => void): Disposable
}

/** Whether a stream gets colours: a terminal that is not dumb, and nobody said NO_COLOR. */
export function hasColour(io: CliIo, terminal: Terminal): boolean {
  if (io.env['NO_COLOR']) return false
  return terminal.isTTY && io.env['TERM'] !== 'dumb'
}

/** The functions that colour text for a stream, or leave it as it is. */
export function coloursFor(io: CliIo, terminal: Terminal): Colours {
  return pc.createColors(hasColour(io, terminal))
}

/** Whether the locale can show more than ASCII. */
export function hasUnicode(io: CliIo): boolean {
  const locale = io.env['LC_ALL'] || io.env['LC_CTYPE'] || io.env['LANG'] || ''
  return /utf-?8/i.test(locale) && io.env['TERM'] !== 'linux'
}
