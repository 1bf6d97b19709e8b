import { createHmac } from 'node:crypto'
import { equalsConstantTime } from '../lib/constant-time.ts'

/**
 * Whether the header `X-Hub-Signature-256` is the HMAC of these very bytes under the secret.
 * False without a header, and without a secret: an empty key is one that everybody has.
 */
export function verifyGithubSignature(
  secret: string | undefined,
  rawBody: Uint8Array,
  header: string | undefined,
): boolean {
  if (!secret || header === undefined) return false
  const expected = `sha256=${createHmac('sha256', secret).update(rawBody).digest('hex')}`
  return equalsConstantTime(expected, header)
}
