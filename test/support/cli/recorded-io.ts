import type { CliIo, Terminal } from '#root/src/cli/terminal/cli-io.ts'

/** A terminal or a pipe that records what is written. */
export interface RecordedTerminal extends Terminal {
  readonly writes: string[]
  readonly text: string
  resize(columns: number, rows: number): void
}

export interface RecordedIo extends CliIo {
  readonly stdout: RecordedTerminal
  readonly stderr: RecordedTerminal
  readonly exitCode: number | undefined
  /** How many listeners wait for the process's end. */
  readonly exitListeners: number
  /** As Ctrl-C does. */
  interrupt(): void
}

export interface RecordedIoOptions {
  readonly tty?: boolean
  readonly columns?: number
  readonly rows?: number
  readonly env?: CliIo['env']
  readonly cwd?: string
  readonly dataFolder?: string
  readonly input?: string
  /** Epoch milliseconds; the real time by default. */
  readonly now?: () => number
}

/** A process's input and output for tests of the command line. */
export function recordedIo(options: RecordedIoOptions = {}): RecordedIo {
  const interrupted = new AbortController()
  const atExit = new Set<() => void>()
  let exitCode: number | undefined
  return {
    stdout: recordedTerminal(options),
    stderr: recordedTerminal({ ...options, tty: false }),
    env: { LANG: 'C.UTF-8', ...options.env },
    cwd: options.cwd ?? '/',
    dataFolder: options.dataFolder ?? '/nonexistent',
    signal: interrupted.signal,
    readInput: async () => options.input ?? '',
    now: options.now ?? (() => Date.now()),
    exit: (code) => {
      exitCode = code
    },
    onExit: (listener) => {
      atExit.add(listener)
      return { [Symbol.dispose]: () => void atExit.delete(listener) }
    },
    get exitCode() {
      return exitCode
    },
    get exitListeners() {
      return atExit.size
    },
    interrupt: () => interrupted.abort(),
  }
}

function recordedTerminal(options: RecordedIoOptions): RecordedTerminal {
  const writes: string[] = []
  const listeners = new Set<() => void>()
  let columns = options.columns ?? 80
  let rows = options.rows ?? 24
  return {
    isTTY: options.tty ?? false,
    get columns() {
      return columns
    },
    get rows() {
      return rows
    },
    writes,
    get text() {
      return writes.join('')
    },
    write: (text) => void writes.push(text),
    onResize: (listener) => {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    resize: (newColumns, newRows) => {
      columns = newColumns
      rows = newRows
      for (const listener of listeners) listener()
    },
  }
}
