import pc from 'picocolors'

/** Functions that colour text, or don't. */
export type Colours = ReturnType<typeof pc.createColors>

/** One of the process's output streams. Writes are ordered and don't block. */
export interface Terminal {
  readonly isTTY: boolean
  /** The current size in characters; 80 by 24 if it isn't a terminal. */
  readonly columns: number
  readonly rows: number
  write(text: string): void
  /** Calls the listener after each resize; disposing the result removes it. */
  onResize(listener: () => void): Disposable
}

/** Everything the client commands use of their process; `processIo` is the real one. */
export interface CliIo {
  readonly stdout: Terminal
  readonly stderr: Terminal
  /** The environment's variables: NARWHAL_SERVER, NARWHAL_TOKEN, NO_COLOR, TERM, LANG, … */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The absolute path that relative paths are resolved against. */
  readonly cwd: string
  /** The default data folder of this user's Narwhal on this machine. */
  readonly dataFolder: string
  /** Aborted by Ctrl-C and by termination. */
  readonly signal: AbortSignal
  /**
   * Reads standard input to its end; on a terminal prompts for one line, without echo. Rejects with
   * `cancelled` on Ctrl-C.
   */
  readInput(prompt: string): Promise<string>
  /** Epoch milliseconds. */
  now(): number
  /** Sets the exit code; the process ends when nothing is pending. */
  exit(code: number): void
  /** Calls the listener when the process exits, however it ends, to restore the terminal. */
  onExit(listener: () => void): Disposable
}

/** Whether a stream gets colours: it is a terminal, not a dumb one, and NO_COLOR is unset. */
export function hasColour(io: CliIo, terminal: Terminal): boolean {
  if (io.env['NO_COLOR']) return false
  return terminal.isTTY && io.env['TERM'] !== 'dumb'
}

/** The functions that colour text for a stream, or return it unchanged. */
export function coloursFor(io: CliIo, terminal: Terminal): Colours {
  return pc.createColors(hasColour(io, terminal))
}

/** Whether the locale supports more than ASCII. */
export function hasUnicode(io: CliIo): boolean {
  const locale = io.env['LC_ALL'] || io.env['LC_CTYPE'] || io.env['LANG'] || ''
  return /utf-?8/i.test(locale) && io.env['TERM'] !== 'linux'
}
