import type { Outcome } from '../../core/outcome.ts'
import { type ErrorCode, NarwhalError } from '../../lib/errors.ts'

/** What the exit code of every client command says. */
export const EXIT = {
  done: 0,
  /** The pipeline or job that was waited for ended otherwise than in success. */
  notSuccess: 1,
  usage: 2,
  notFound: 3,
  notAllowed: 4,
  serverAway: 5,
  other: 6,
  /** As a shell reports a program that Ctrl-C ended. */
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
  unavailable: EXIT.serverAway,
  cancelled: EXIT.interrupted,
  internal: EXIT.other,
} as const satisfies Record<ErrorCode, number>

/** The table, as `narwhal --help` prints it. */
export const EXIT_CODE_HELP = `Exit codes:
  0    done; the pipeline that was waited for succeeded
  1    the pipeline that was waited for ended otherwise
  2    the command or one of its values is wrong
  3    there is no such thing
  4    not allowed: the token is missing, wrong, or may not do this
  5    no Narwhal answers, or a part of it is away
  6    anything else, as the message says
  130  interrupted by Ctrl-C`

export function exitCodeOf(reason: unknown): number {
  return BY_ERROR[NarwhalError.from(reason).code]
}

export function exitCodeOfOutcome(outcome: Outcome): number {
  return outcome === 'success' ? EXIT.done : EXIT.notSuccess
}
