import { createHmac } from 'node:crypto'

/**
 * How a forge authenticates a webhook: by the HMAC-SHA256 of the body, in hexadecimal after a prefix, or by
 * the secret itself.
 */
export type ProofForm =
  | { readonly kind: 'hmac'; readonly prefix: string }
  | { readonly kind: 'token' }

/** The header value that a forge with this secret sends for a body. */
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
