import { type ProofForm, proofOf } from '../../forge/proof.ts'
import { equalsConstantTime } from '../../lib/constant-time.ts'

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
    return equalsConstantTime(proofOf(form, body, secret), shown) && secret !== ''
  })
  return proven.indexOf(true)
}
