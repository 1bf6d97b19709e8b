/**
 * The result of a delivery: `accepted` only if its commit is new; `resolving` while its commit is looked up at
 * the git server, and `unresolved` if that was in vain.
 */
export const DISPOSITIONS = ['accepted', 'known', 'ignored', 'resolving', 'unresolved'] as const
export type Disposition = (typeof DISPOSITIONS)[number]

/**
 * Why deliveries are refused: they don't have a webhook's headers, no signature, one by another secret, one over
 * something else than was sent; or they are signed, but malformed or about another repository.
 */
export const REFUSALS = [
  'no_webhook',
  'not_signed',
  'wrong_secret',
  'signed_otherwise',
  'malformed',
  'other_repository',
  'too_large',
] as const
export type Refusal = (typeof REFUSALS)[number]
