import type { ExecFileException } from 'node:child_process'
import { NarwhalError } from './errors.ts'
import { withoutCredentials } from './without-credentials.ts'

/**
 * What became of a program that failed, made anew of its name, its code and its last words: Node's error has the
 * whole command in it, with URLs and whatever stands in those. `what` is the program with what it was to do.
 */
export function childError(what: string, error: ExecFileException, stderr: string): NarwhalError {
  const [program = what] = what.split(' ')
  // Node gives its own trouble a word as its code and a program's exit status a number; its types don't.
  const code: unknown = error.code
  if (code === 'ENOENT') {
    const words = `${program} could not be started: install it, or mend PATH`
    return new NarwhalError('unavailable', words)
  }
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return new NarwhalError('too_large', `${what} said more than is allowed`)
  }
  const why = error.killed ? 'it took longer than its limit and was ended' : lastWords(stderr)
  const end = typeof code === 'number' || typeof code === 'string' ? code : error.signal
  return new NarwhalError('unavailable', `${what} failed: ${why}`, {
    cause: new Error(`${what} ended with ${end ?? 'no code'}`),
  })
}

function lastWords(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('hint:'))
  const words = [...new Set(lines)].slice(-4).join(' | ')
  return withoutCredentials(words).slice(0, 1000) || 'no message'
}
