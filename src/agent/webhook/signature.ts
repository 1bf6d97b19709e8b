import { type ProofForm, proofOf } from '../../forge/proof.ts'
import { equalsConstantTime } from '../../lib/constant-time.ts'
import { jsonOf } from './webhook-json.ts'

/** A signature to be checked. */
export interface Proof {
  readonly form: ProofForm
  /** The signature that the forge has sent. */
  readonly shown: string
  /** Any of them may have been used. */
  readonly secrets: readonly string[]
  /** Whether the body is a form with the JSON in a field. */
  readonly isForm?: boolean
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

/** How a body was signed: by the secret of this index, over something else than was sent, or by none. */
export type Proven = number | 'otherwise' | undefined

/**
 * As `provenBy`. Of a form, forges that sign what they send sign the form; Gogs signs the JSON in it, which is
 * proof of the secret but not of the body.
 */
export function proofOfBody(body: readonly Uint8Array[], proof: Proof): Proven {
  const by = provenBy(body, proof)
  if (by >= 0) return by
  const isOtherwise = proof.isForm && provenBy([jsonOf(Buffer.concat(body), true)], proof) >= 0
  return isOtherwise ? 'otherwise' : undefined
}
