import type { WriteStream } from 'node:tty'
import { NarwhalError } from '../../lib/errors.ts'
import type { CliIo, Terminal } from './cli-io.ts'
import { readInput } from './read-input.ts'

/**
 * The `CliIo` of this process. Its `signal` is aborted when the process is asked to end, and when the
 * reader of its output is gone (`narwhal logs … | head`).
 */
export function processIo(options: {
  env: CliIo['env']
  signal: AbortSignal
  dataFolder: string
}): CliIo {
  const closed = new AbortController()
  return {
    stdout: terminal(process.stdout, closed),
    stderr: terminal(process.stderr, closed),
    env: options.env,
    cwd: process.cwd(),
    dataFolder: options.dataFolder,
    signal: AbortSignal.any([options.signal, closed.signal]),
    readInput: (prompt) => readInput(process.stdin, (text) => process.stderr.write(text), prompt),
    now: () => Date.now(),
    exit(code) {
      process.exitCode = code
    },
    onExit(listener) {
      process.once('exit', listener)
      return { [Symbol.dispose]: () => void process.off('exit', listener) }
    },
  }
}

/** Why commands end when the reader of their output is gone. */
export const READER_GONE = 'the reader of the output is gone'

function terminal(stream: WriteStream, closed: AbortController): Terminal {
  stream.on('error', () => closed.abort(new NarwhalError('cancelled', READER_GONE)))
  return {
    get isTTY() {
      return stream.isTTY === true
    },
    get columns() {
      return stream.columns || 80
    },
    get rows() {
      return stream.rows || 24
    },
    write(text) {
      if (stream.writable) stream.write(text)
    },
    onResize(listener) {
      stream.on('resize', listener)
      return { [Symbol.dispose]: () => void stream.off('resize', listener) }
    },
  }
}
