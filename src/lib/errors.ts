/**
 * What went wrong, from the caller's side. Each protocol has one table from these to its own codes.
 *
 * - `invalid`: the input is wrong; the message says where and how to fix it.
 * - `unauthenticated`, `forbidden`: the caller is unknown, or has no permission.
 * - `not_found`, `conflict`: the thing does not exist, or is in a state that does not allow this.
 * - `gone`: it existed and was deleted; the message says when, and by which rule.
 * - `stale`: the caller's lease has expired and somebody else has taken over.
 * - `too_large`: over a stated limit. `exhausted`: no capacity now; retry, or go elsewhere.
 * - `unavailable`: a dependency is down (database, broker, container engine, remote git).
 * - `cancelled`: stopped on request. `internal`: a bug of ours.
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
 * An error whose message is meant for a person and whose code is meant for the caller. The message says what
 * failed, on what, and what to do about it.
 */
export class NarwhalError extends Error {
  override readonly name = 'NarwhalError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /**
   * Turns anything caught into a NarwhalError: one is returned as it is, an abort becomes `cancelled`,
   * everything else becomes `code` (default `internal`) with the reason as its cause.
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

/** Whether it is an error with this code: one of Node's (`ENOENT`), or a reply code of AMQP. */
export function hasCode(reason: unknown, code: string | number): boolean {
  return reason instanceof Error && 'code' in reason && reason.code === code
}
