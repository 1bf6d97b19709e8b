import { type ProofForm, proofOf } from '../../forge/proof.ts'
import { equalsConstantTime } from '../../lib/constant-time.ts'

/** A signature to be checked. */
export interface Proof {
  readonly form: ProofForm
  /** The signature that the forge has sent. */
  readonly shown: string
  /** Any of them may have been used. */
  readonly secrets: readonly string[]
}

/**
 * The index of the secret that the body was signed with; -1 for none. All are tried, so that timing
 * doesn't reveal which. An empty secret proves nothing: everyone has it.
 */
export function provenBy(body: readonly Uint8Array[], { form, shown, secrets }: Proof): number {
  const proven = secrets.map((secret) => {
    return equalsConstantTime(proofOf(form, body, secret), shown) && secret !== ''
  })
  return proven.indexOf(true)
}
