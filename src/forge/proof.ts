import { createHmac } from 'node:crypto'

/**
 * How a forge proves that a webhook is its own: by the HMAC-SHA256 of the body, in hexadecimal digits behind a
 * prefix, or by the secret itself.
 */
export type ProofForm =
  | { readonly kind: 'hmac'; readonly prefix: string }
  | { readonly kind: 'token' }

/** What a forge that has the secret sends with a body. */
export function proofOf(
  form: ProofForm,
  body: readonly (Uint8Array | string)[],
  secret: string,
): string {
  if (form.kind === 'token') return secret
  const hmac = createHmac('sha256', secret)
  for (const chunk of body) hmac.update(chunk)
  return `${form.prefix}${hmac.digest('hex')}`
}
