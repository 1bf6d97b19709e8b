import { NarwhalError } from './errors.ts'
import type { ProgramResult } from './programs/run-program.ts'
import { withoutCredentials } from './without-credentials.ts'

/** How a program ended. */
export interface ChildEnd {
  /** Its exit code; a text where it could not be started, such as EACCES. */
  readonly code?: number | string | null | undefined
  readonly signal?: NodeJS.Signals | null | undefined
  /** Why it could not do all of it. */
  readonly trouble?: ProgramResult['trouble'] | undefined
}

/**
 * The error of a failed program, built from its name, exit code and last output: the message of Node's error
 * has the whole command in it, with URLs and credentials. `what` is the program and what it was to do;
 * `reasonOf` finds the lines of its output that say why, by default the last ones.
 */
export function childError(
  what: string,
  error: ChildEnd,
  stderr: string,
  reasonOf = lastLines,
): NarwhalError {
  const [program = what] = what.split(' ')
  const { code, trouble } = error
  if (code === 'ENOENT' || trouble === 'missing') {
    const words = `${program} could not be started: install it, or fix PATH`
    return new NarwhalError('unavailable', words)
  }
  if (trouble === 'too_large') {
    return new NarwhalError('too_large', `${what} wrote more output than is allowed`)
  }
  const isLate = trouble === 'late'
  const why = isLate ? 'it exceeded its time limit and was killed' : told(reasonOf(stderr))
  const end = typeof code === 'number' || typeof code === 'string' ? code : error.signal
  return new NarwhalError('unavailable', `${what} failed: ${why}`, {
    cause: new Error(`${what} ended with ${end ?? 'no code'}`),
  })
}

function lastLines(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '')
  return [...new Set(lines)].slice(-4).join(' | ')
}

function told(words: string): string {
  return withoutCredentials(words).slice(0, 1000) || 'no message'
}
