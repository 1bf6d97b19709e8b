import type { Outcome } from '../../core/outcome.ts'
import { type ErrorCode, NarwhalError } from '../../lib/errors.ts'

/** The exit codes of all commands. */
export const EXIT = {
  done: 0,
  /** The pipeline or job did not succeed, or a check found problems. */
  notSuccess: 1,
  usage: 2,
  notFound: 3,
  notAllowed: 4,
  unavailable: 5,
  other: 6,
  /** As shells report a program ended by Ctrl-C. */
  interrupted: 130,
} as const

const BY_ERROR = {
  invalid: EXIT.usage,
  unauthenticated: EXIT.notAllowed,
  forbidden: EXIT.notAllowed,
  not_found: EXIT.notFound,
  conflict: EXIT.other,
  gone: EXIT.notFound,
  stale: EXIT.other,
  too_large: EXIT.other,
  exhausted: EXIT.other,
  unavailable: EXIT.unavailable,
  cancelled: EXIT.interrupted,
  internal: EXIT.other,
} as const satisfies Record<ErrorCode, number>

/** The table, as `narwhal --help` prints it. */
export const EXIT_CODE_HELP = `Exit codes:
  0    success
  1    the pipeline or job did not succeed, or a check found problems
  2    invalid command or value
  3    not found
  4    not allowed: the token is missing, invalid, or lacks the permission
  5    Narwhal, or a part of it, is unreachable
  6    any other error
  130  interrupted by Ctrl-C`

export function exitCodeOf(reason: unknown): number {
  return BY_ERROR[NarwhalError.from(reason).code]
}

export function exitCodeOfOutcome(outcome: Outcome): number {
  return outcome === 'success' ? EXIT.done : EXIT.notSuccess
}
