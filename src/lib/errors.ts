/**
 * What went wrong, from the caller's side. Each protocol has one table from these to its own codes.
 *
 * - `invalid`: the input can't be right; the message says where and how to mend it.
 * - `unauthenticated`, `forbidden`: who asks is unknown, or may not.
 * - `not_found`, `conflict`: the thing is not there, or not in a state that allows this.
 * - `gone`: it was there and was removed; the message says when, and by which rule.
 * - `stale`: who asks holds a lease that is over; somebody else has taken its place.
 * - `too_large`: over a stated limit. `exhausted`: no room now; try again, or elsewhere.
 * - `unavailable`: a part of the world is away (database, broker, container engine, remote git).
 * - `cancelled`: somebody asked for the end. `internal`: our own bug.
 */
export const ERROR_CODES = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not_found',
  'conflict',
  'gone',
  'stale',
  'too_large',
  'exhausted',
  'unavailable',
  'cancelled',
  'internal',
] as const
export type ErrorCode = (typeof ERROR_CODES)[number]

/**
 * An error whose message is meant for a person and whose code is meant for the caller.
 * The message says what failed, on what, and what to do about it.
 */
export class NarwhalError extends Error {
  override readonly name = 'NarwhalError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /**
   * Turns anything caught into a NarwhalError: one is returned as it is, an abort becomes
   * `cancelled`, everything else becomes `code` (default `internal`) with the reason as its cause.
   */
  static from(reason: unknown, code: ErrorCode = 'internal'): NarwhalError {
    if (reason instanceof NarwhalError) return reason
    if (reason instanceof Error && reason.name === 'AbortError') {
      return new NarwhalError('cancelled', reason.message, { cause: reason })
    }
    return new NarwhalError(code, describeError(reason), { cause: reason })
  }
}

/** The message of anything caught; of an AggregateError, those of its parts. */
export function describeError(reason: unknown): string {
  if (reason instanceof AggregateError && reason.errors.length > 0) {
    return reason.errors.map(describeError).join('; ')
  }
  return reason instanceof Error ? reason.message || reason.name : String(reason)
}

/** Whether it is an error with this code: of Node (`ENOENT`), or a reply code of AMQP. */
export function hasCode(reason: unknown, code: string | number): boolean {
  return reason instanceof Error && 'code' in reason && reason.code === code
}
