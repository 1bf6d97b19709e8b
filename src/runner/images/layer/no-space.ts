import { hasCode, NarwhalError } from '../../../lib/errors.ts'

export function noSpace(cause?: unknown): NarwhalError {
  return new NarwhalError('exhausted', 'there is no space left to unpack it', { cause })
}

/** The same, or `exhausted` if this process itself could not write for lack of space. */
export function orNoSpace(error: unknown): unknown {
  return hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT') ? noSpace(error) : error
}
