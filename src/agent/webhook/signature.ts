import { createHmac } from 'node:crypto'
import { equalsConstantTime } from '../../lib/constant-time.ts'

/**
 * How a forge proves that a webhook is its own: by the HMAC-SHA256 of the body, in hexadecimal digits behind a
 * prefix, or by the secret itself.
 */
export type ProofForm =
  | { readonly kind: 'hmac'; readonly prefix: string }
  | { readonly kind: 'token' }

/** What is to be shown of a body. */
export interface Proof {
  readonly form: ProofForm
  /** What the forge has sent to show it. */
  readonly shown: string
  /** Any of them may have been used. */
  readonly secrets: readonly string[]
}

/**
 * Which of the secrets the proof was made with, of these very bytes; -1 for none. Each is tried, so that the time
 * does not tell which. Nothing is proven without a secret: an empty key is one that everybody has.
 */
export function provenBy(body: readonly Uint8Array[], { form, shown, secrets }: Proof): number {
  const proven = secrets.map((secret) => {
    const expected = form.kind === 'token' ? secret : `${form.prefix}${hmacOf(body, secret)}`
    return equalsConstantTime(expected, shown) && secret !== ''
  })
  return proven.indexOf(true)
}

function hmacOf(body: readonly Uint8Array[], secret: string): string {
  const hmac = createHmac('sha256', secret)
  for (const chunk of body) hmac.update(chunk)
  return hmac.digest('hex')
}
