import { createHmac } from 'node:crypto'
import { equalsConstantTime } from '../lib/constant-time.ts'

/** Looks at a body while it comes in, for whether a secret has signed it. */
export interface SignatureCheck {
  update(chunk: Uint8Array): void
  /** Once, at the end: whether the proof is made with the secret, of these very bytes. */
  isProvenBy(proof: string): boolean
}

/**
 * The HMAC-SHA256 of the body, in hexadecimal digits behind a prefix. Nothing is proven without a secret: an
 * empty key is one that everybody has.
 */
export function hmacCheck(secret: string, prefix = ''): SignatureCheck {
  const hmac = createHmac('sha256', secret)
  return {
    update: (chunk) => {
      hmac.update(chunk)
    },
    isProvenBy: (proof) =>
      equalsConstantTime(`${prefix}${hmac.digest('hex')}`, proof) && secret !== '',
  }
}

/** For who signs nothing and sends the secret itself. */
export function tokenCheck(secret: string): SignatureCheck {
  return {
    update: () => {},
    isProvenBy: (proof) => equalsConstantTime(secret, proof) && secret !== '',
  }
}
