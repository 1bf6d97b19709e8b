import type { Refusal } from '../../core/delivery/delivery-result.ts'
import { type ErrorCode, NarwhalError } from '../../lib/errors.ts'

/** A webhook is refused, and why. */
export class RefusedWebhook extends NarwhalError {
  readonly refusal: Refusal

  constructor(refusal: Refusal, code: ErrorCode, message: string) {
    super(code, message)
    this.refusal = refusal
  }
}

/** For errors that don't say it themselves; those of others may pass, so that the forge may try again. */
const BY_CODE: { readonly [Code in ErrorCode]?: Refusal } = {
  invalid: 'malformed',
  unauthenticated: 'wrong_secret',
  conflict: 'other_repository',
  too_large: 'too_large',
}

/** Why a webhook is refused; undefined if it isn't for good. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof RefusedWebhook) return error.refusal
  return error instanceof NarwhalError ? BY_CODE[error.code] : undefined
}
